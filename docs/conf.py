"""The site: user guide, gallery and reference, built by ``make docs``; warnings are errors."""

import os

# One thread: a fit then takes no longer than a page says, whatever else the machine does.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

from sklearn.experimental import enable_halving_search_cv  # noqa: F401  (an example uses it)

import skdm2c

project = "skdm2c"
author = "The skdm2c developers"
project_copyright = f"2026, {author}"
version = release = skdm2c.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "matplotlib.sphinxext.plot_directive",
    "myst_parser",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "_templates"]
templates_path = ["_templates"]

# Links within the site are checked: those that name a thing of this package must find it. Other
# projects' things are not linked, so that the build needs no network.
nitpicky = True
nitpick_ignore_regex = [(r".*", r"(?!skdm2c\b).*")]

# Doctests end in an empty line, which readers need not see.
highlight_options = {"python": {"stripnl": True}, "pycon": {"stripnl": True}}

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc's sections have the types, in words
autodoc_member_order = "bysource"
numpydoc_show_class_members = False  # the template of a class lists its methods
numpydoc_xref_param_type = False
toc_object_entries_show_parents = "hide"

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

plot_html_show_source_link = False
plot_html_show_formats = False
plot_formats = [("png", 160)]
plot_rcparams = {"figure.constrained_layout.use": True, "font.size": 9}

# Every example whose name says so is run by the build; the others are programs to run by oneself.
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"[\\/]plot_",
    "ignore_pattern": r"(^|[\\/])(?!plot_)[^\\/]*\.py$",
    "doc_module": ("skdm2c",),
    "backreferences_dir": None,
    "show_memory": False,
    "write_computation_times": False,
    "min_reported_time": 5,
    "remove_config_comments": True,
    "show_signature": False,
    "download_all_examples": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "skdm2c"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": True,
    "pygments_light_style": "tango",
    "pygments_dark_style": "monokai",
}
html_sidebars = {"changelog": [], "index": []}
