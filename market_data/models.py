"""No data: a name under which Django keeps the permission to inspect, and under which the admin lists the page."""

from django.db import models


class NothingStored(models.Manager["Inspection"]):
    """Finds nothing, and asks no database for it: there is no table."""

    def get_queryset(self) -> models.QuerySet["Inspection"]:
        return super().get_queryset().none()


class Inspection(models.Model):
    """The page of the admin that shows configuration and state; `market_data.view_inspection` opens it."""

    key = models.CharField(primary_key=True, max_length=1)

    objects = NothingStored()

    class Meta:
        managed = False
        base_manager_name = "objects"
        default_permissions = ("view",)
        verbose_name = "inspection"
        verbose_name_plural = "inspection"

    def __str__(self) -> str:
        return "inspection"
