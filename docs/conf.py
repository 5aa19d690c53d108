"""Sphinx: the Markdown pages of this folder as a site (``make docs``)."""

project = "Mining the Mines"
project_copyright = "the authors of Mining the Mines"
extensions = ["myst_parser", "sphinx_copybutton"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = project
html_static_path: list[str] = []
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
nitpicky = True
