"""Programs that measure; see PROTOCOL in the docs. Not part of the package."""
