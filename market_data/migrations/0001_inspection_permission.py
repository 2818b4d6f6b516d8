from django.db import migrations, models


class Migration(migrations.Migration):
    """Creates no table: from the model Django makes the permission to view the inspection page."""

    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Inspection",
            fields=[("key", models.CharField(max_length=1, primary_key=True, serialize=False))],
            options={
                "verbose_name": "inspection",
                "verbose_name_plural": "inspection",
                "managed": False,
                "default_permissions": ("view",),
                "base_manager_name": "objects",
            },
        ),
    ]
