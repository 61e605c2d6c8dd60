"""A report says what is so, in words and as a page that no name can break."""

import re
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from conftest import TINY
from sklearn.exceptions import NotFittedError

from skdm2c import MixedModalClustering, MixedModalData
from skdm2c.report import Section, Table

HOSTILE = ("<script>alert(1)</script>", "a 'b' & \"c\"", "{{ 7 * 7 }}")


class Page(HTMLParser):
    """Tags of a page, in order, and its text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.words, self.sources = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture
def hostile(tiny, random_blocks):
    a, b = random_blocks
    return tiny.fit(MixedModalData(a, b, b[:, ::-1], names=HOSTILE))


def changed(model, **attributes):
    """A model of which something was found to be otherwise."""
    other = MixedModalClustering(3)
    other.__dict__.update(vars(model) | attributes)
    return other


def rows_of(report, title):
    (section,) = [section for section in report.sections if section.title == title]
    return section.table.rows


def test_a_report_counts_every_row(fitted):
    report = fitted.report()
    rows = rows_of(report, "Clusters")
    assert [int(row[0]) for row in rows] == [0, 1, 2]
    sizes = np.array([[int(cell) for cell in row[1:4]] for row in rows])
    np.testing.assert_array_equal(sizes[:, 0], np.bincount(fitted.labels_, minlength=3))
    assert sizes.sum(axis=0).tolist() == [120, 60, 60]
    assert [row[5] for row in rows] == [f"{c:.2f}" for c in fitted.cluster_confidence_]
    assert "120 rows, 60 of 'a' and 60 of 'b', in 3 clusters." in str(report)
    assert [row[2] for row in rows_of(report, "Training")] == [
        "pretraining",
        "alignment",
        "adversarial",
    ]
    assert [int(row[0]) for row in rows_of(report, "Training")] == [6, 6, 2]


def test_unsure_rows_are_those_that_predict_proba_is_unsure_of(fitted, blobs):
    unsure = fitted.predict_proba(blobs[0]).max(axis=1) < 0.5
    rows = rows_of(fitted.report(), "Clusters")
    expected = [f"{unsure[fitted.labels_ == c].mean():.0%}" for c in range(3)]
    assert [row[4] for row in rows] == expected


@pytest.mark.parametrize(
    ("confidence", "high"), [(0.5, True), (0.49, False), (1, True), (0, False)]
)
def test_a_high_and_a_low_confidence_are_told_apart(fitted, confidence, high):
    said = " ".join(str(changed(fitted, alignment_confidence_=confidence).report()).split())
    assert (f"Yes: the confidence is {confidence:.2f} of 1" in said) == high
    assert (f"No: the confidence is {confidence:.2f} of 1, too low." in said) != high
    assert ("Fewer clusters" in said) != high


def test_clusters_not_to_trust_are_named(fitted):
    own = np.array([0.9, 0.4, 0.1])
    said = " ".join(str(changed(fitted, cluster_confidence_=own).report()).split())
    assert "their own confidence is below 0.5: 1, 2." in said
    said = str(changed(fitted, cluster_confidence_=own + 0.5).report())
    assert "No cluster has a confidence below 0.5." in said


def test_what_was_not_aligned_is_said_to_be_so(blobs, tiny):
    said = str(tiny.set_params(alignment=None).fit(blobs[0]).report())
    assert "Nothing was aligned" in said
    assert 'alignment="geometry"' in said
    assert "alignment=None" in said.partition("Parameters that are not")[2]


def test_a_cluster_that_one_modality_lacks_is_named(fitted, blobs):
    labels, modality = fitted.labels_.copy(), fitted.modality_
    labels[modality == "b"] = 0
    report = changed(fitted, labels_=labels).report()
    remarks = [row[-1] for row in rows_of(report, "Clusters")]
    for c in (1, 2):
        assert "hardly any 'b'" in remarks[c] or not (labels == c).any()
    assert re.search(r"Cluster [12] has\s+hardly any rows\s+of 'b'", str(report))
    report = changed(fitted, labels_=np.ones_like(labels)).report()
    assert "2 of them without rows" in str(report)
    assert [row[-1].startswith("no rows") for row in rows_of(report, "Clusters")] == [
        True,
        False,
        True,
    ]


def test_lines_are_no_longer_than_a_screen(fitted):
    paragraphs = str(fitted.report()).split("\n\n")
    for line in "\n".join(p for p in paragraphs if "confidence  remark" not in p).splitlines():
        assert len(line) <= 88


def test_columns_of_a_table_are_aligned():
    table = Table(("n", "word"), (("1", "x"), ("1,000", "")))
    assert str(table) == "    n  word\n    1  x\n1,000"
    assert str(Section("T", items=("a", "b"))) == "T\n-\n- a\n- b"


def test_a_report_needs_a_fit():
    with pytest.raises(NotFittedError):
        MixedModalClustering().report()


# --- The page -----------------------------------------------------------------------------


def test_a_page_needs_no_other_file_and_has_all_that_the_text_says(fitted, tmp_path):
    pytest.importorskip("jinja2")
    report = fitted.report(tmp_path / "report.html")
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert not page.open
    assert len(page.sources) == page.tags.count("img") == 5
    assert all(source.startswith("data:image/png;base64,") for source in page.sources)
    said = "".join(page.words).split()
    for section in report.sections:
        for text in (*section.paragraphs, *section.items):
            assert " ".join(text.split()) in " ".join(said)


def test_names_cannot_break_a_page(hostile, tmp_path):
    pytest.importorskip("jinja2")
    hostile.report(tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert "script" not in page.tags
    assert not page.open
    said = " ".join("".join(page.words).split())
    assert "<script>alert(1)</script>" in said
    assert "{{ 7 * 7 }}" in said
    assert page.sources


def test_a_notebook_shows_the_page_or_without_jinja2_the_text(fitted, monkeypatch, tmp_path):
    pytest.importorskip("jinja2")
    assert Page(fitted.report()._repr_html_()).tags[0] == "main"
    monkeypatch.setitem(sys.modules, "jinja2", None)
    assert fitted.report()._repr_html_() is None
    assert str(fitted.report()) == repr(fitted.report())
    with pytest.raises(ImportError, match="needs jinja2: pip install"):
        fitted.report(tmp_path / "report.html")


def test_a_model_without_matching_and_training_has_a_page(blobs, tmp_path):
    pytest.importorskip("jinja2")
    none = dict.fromkeys(("pretrain_epochs", "adversarial__epochs"), 0)
    model = MixedModalClustering(3, alignment=None, random_state=0).set_params(**none)
    model.fit(blobs[0])
    model.report(tmp_path / "report.html")
    assert Page((tmp_path / "report.html").read_text(encoding="utf-8")).tags.count("img") == 3
    assert "There was none" in str(model.report())


def test_drawing_a_page_leaves_no_figure_behind(fitted, tmp_path):
    pytest.importorskip("jinja2")
    plt = pytest.importorskip("matplotlib.pyplot")
    kept = plt.figure()
    fitted.report(tmp_path / "report.html")
    assert plt.get_fignums() == [kept.number]
    assert plt.gcf() is kept


def test_a_subclass_may_want_arguments_of_its_own(blobs):
    class Ours(MixedModalClustering):
        def __init__(self, project, n_clusters=3, random_state=0):
            super().__init__(n_clusters, random_state=random_state, **TINY)
            self.project = project

    assert "project='x'" in str(Ours("x").fit(blobs[0]).report())


@pytest.mark.parametrize("kind", ["counts", "normalised", "pixels"])
def test_raw_counts_get_a_hint(kind, tiny):
    rng = np.random.RandomState(0)
    y = rng.randint(3, size=90)
    depths = np.exp(rng.uniform(4, 8, 90)) if kind == "counts" else np.full(90, 500)
    counts = np.stack(
        [
            rng.multinomial(int(n), p)
            for n, p in zip(depths, rng.dirichlet(np.ones(30), 3)[y], strict=True)
        ]
    )
    rows = (
        np.log1p(1e3 * counts / counts.sum(axis=1, keepdims=True))
        if kind == "normalised"
        else counts
    )
    model = tiny.fit(MixedModalData(rows, rng.randn(90, 5) + 4 * y[:, None], names=("rna", "b")))
    hinted = "'rna' looks like raw counts" in " ".join(str(model.report()).split())
    assert hinted == (kind == "counts")
