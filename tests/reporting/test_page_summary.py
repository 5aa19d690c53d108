"""The answers of a page."""

from mining_the_mines.reporting.page_summary import summarise_page

PAGE = """<html><head><title>Report</title><style>h1 {}</style></head><body>
<h1>How <em>well</em>?</h1><script>alert("no")</script>
<h2 class="question">Is there a mine?</h2><p class="lead">In 8 of
 10 places, &lt;b&gt; <b>yes</b>.<br></p><p>More.</p></body></html>"""


def test_a_report_is_its_title_its_questions_and_their_answers() -> None:
    assert summarise_page(PAGE) == (
        "<h2>How well?</h2><h3>Is there a mine?</h3><p>In 8 of 10 places, &lt;b&gt; yes.</p>"
    )


def test_a_page_without_a_heading_is_named_by_its_title() -> None:
    assert summarise_page("<title>Map of mines</title><p>…</p>") == "<h2>Map of mines</h2>"


def test_scripts_and_styles_are_left_out() -> None:
    assert "alert" not in summarise_page(PAGE)
    assert "{}" not in summarise_page(PAGE)
