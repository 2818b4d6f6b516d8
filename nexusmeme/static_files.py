"""Static files, made small, under names that carry a hash of their content, so that they may be kept for ever."""

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage

_OWN_FOLDERS = ("market_data", "nexusmeme")
_MINIFIED_TYPES = {".js": "text/javascript", ".css": "text/css"}


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Minifies the site's own scripts and stylesheets, and rewrites the imports of ES modules.

    Before the first `collectstatic`, names and files stay as they are.
    """

    support_js_module_import_aggregation = True

    def stored_name(self, name: str) -> str:
        return super().stored_name(name) if self.hashed_files else name

    def post_process(self, paths: Mapping[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        if not dry_run:
            paths = {name: self._minified(name, *source) for name, source in paths.items()}
        yield from super().post_process(paths, dry_run, **options)

    def _minified(self, name: str, source: Any, path: str) -> tuple[Any, str]:
        """Return the storage and path of what is to be served: of one of our own files, its small form."""
        media_type = _MINIFIED_TYPES.get(PurePath(name).suffix)
        if media_type is None or PurePath(name).parts[0] not in _OWN_FOLDERS:
            return source, path
        from minify import string as minify  # loads a runtime of its own, which no web process needs

        with source.open(path) as file:
            text = file.read().decode()
        Path(self.path(name)).write_text(minify(media_type, text), encoding="utf-8")
        return self, name
