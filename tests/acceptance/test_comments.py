"""Which lines a ``perfkit: ok[reason]`` comment covers, in Python and in templates."""

from __future__ import annotations

import os
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.acceptance.comments import Comment, comments_by_line, comments_in


def covered(text: str, file: str = "shop/views.py") -> dict[int, str]:
    """Map each line that a comment covers to its reason."""
    return {
        line: comment.reason
        for comment in comments_in(file, dedent(text))
        for line in range(comment.covers[0], comment.covers[1] + 1)
    }


def only(text: str, file: str = "shop/views.py") -> Comment:
    """Return the one comment there must be."""
    (comment,) = comments_in(file, dedent(text))
    return comment


def test_a_comment_covers_its_line() -> None:
    """And not the body of the loop at whose head it stands."""
    code = """\
    for book in books:  # perfkit: ok[three at most]
        print(book.author)
    """
    assert covered(code) == {1: "three at most"}


def test_any_line_of_a_statement_will_do() -> None:
    """A finding names the line of the call, which may be another than the comment's."""
    code = """\
    before = 1
    rows = [
        book.author  # perfkit: ok[few]
        for book in Book.objects.filter(
            shown=True,
        )
    ]
    after = 1
    """
    assert covered(code) == dict.fromkeys(range(2, 8), "few")


def test_the_end_of_a_statement_in_many_lines_will_do() -> None:
    """Where a formatter moves a comment to."""
    code = """\
    books = list(
        Book.objects.all()
    )  # perfkit: ok[few]
    """
    assert covered(code) == dict.fromkeys((1, 2, 3), "few")


def test_a_comment_alone_is_about_the_statement_below() -> None:
    """For a line that has no room for it; other comments may stand between."""
    code = """\
    def listed():
        total = 0
        # perfkit: ok[nightly]
        # and more of it
        return [
            book.author for book in books
        ]
    """
    assert covered(code) == dict.fromkeys(range(3, 8), "nightly")


def test_a_blank_line_parts_a_comment_from_what_follows() -> None:
    """It is not clear any more what it is about."""
    code = """\
    # perfkit: ok[few]

    books = list(Book.objects.all())
    # perfkit: ok[at the end]
    """
    assert covered(code) == {1: "few", 4: "at the end"}


def test_a_class_is_covered_by_its_head() -> None:
    """The line that a finding of the admin names."""
    code = """\
    @admin.register(Book)
    class BookAdmin(admin.ModelAdmin):  # perfkit: ok[rarely opened]
        list_display = ("author",)
    """
    assert covered(code) == {2: "rarely opened"}


def test_text_in_a_string_is_no_comment() -> None:
    """Documentation quotes comments."""
    code = '''\
    text = "# perfkit: ok[no]"
    more = """
    # perfkit: ok[no]
    """
    '''
    assert covered(code) == {}


@pytest.mark.parametrize(
    ("comment", "reason"),
    [
        ("# perfkit: ok[few rows]", "few rows"),
        ("#perfkit:ok[few]", "few"),
        ("#  perfkit:  ok[ few ]", "few"),
        ("# noqa: B007  # perfkit: ok[few]  # type: ignore[misc]", "few"),
        ("# perfkit: ok", ""),
        ("# perfkit: ok[]", ""),
        ("# perfkit: ok[ ]", ""),
        ("# perfkit: ok few", ""),
        ("# perfkit: ok[goes on in\n# the next line]", ""),
    ],
)
def test_the_reason_stands_in_brackets(comment: str, reason: str) -> None:
    """Beside other comments of the line; without one the comment is found, but says nothing."""
    assert only(f"x = 1  {comment}\n").reason == reason


@pytest.mark.parametrize("comment", ["# perfkit: okay", "# perfkit is ok[x]", "# see perfkit: no"])
def test_other_words_are_other_comments(comment: str) -> None:
    """People write about perfkit, too."""
    assert comments_in("shop/views.py", f"x = 1  {comment}\n") == []


def test_a_template_has_comments_of_its_own() -> None:
    """On the line of the tag, or alone on the line above it."""
    text = """\
    {% for book in books %}{# perfkit: ok[three] #}
      {# perfkit: ok[on the same row anyway] #}
      {{ book.author.name }}
    {% endfor %}
    # perfkit: ok[no comment in a template]
    """
    assert covered(text, "shop/templates/list.html") == {
        1: "three",
        2: "on the same row anyway",
        3: "on the same row anyway",
    }


def test_a_file_that_is_being_written_counts_as_far_as_it_can_be_read() -> None:
    """An editor saves what is not yet Python."""
    assert covered("x = 1  # perfkit: ok[one]\ny = (\n")[1] == "one"
    assert covered("x = 1  # perfkit: ok[one]\n    y\n  z\n")[1] == "one"
    assert covered("x = 1  # perfkit: ok[one]\ny = '''\n")[1] == "one"


def test_the_key_stays_when_lines_move() -> None:
    """A match noted yesterday is found again after an edit further up."""
    code = "x = 1  # perfkit: ok[one]\n"
    assert only(code).key == only(f"import os\n\n{code}").key
    assert only(code).key != only(code, "shop/other.py").key


def test_equal_lines_have_keys_of_their_own() -> None:
    """One of them may be stale."""
    first, second = comments_in("shop/views.py", "x = 1  # perfkit: ok[one]\n" * 2)
    assert first.key != second.key


@given(st.text(), st.sampled_from(["shop/views.py", "shop/list.html"]))
def test_no_text_is_a_failure(text: str, file: str) -> None:
    """Whatever a file holds, the lines named exist."""
    lines = text.count("\n") + 1
    for comment in comments_in(file, f"{text}\nx = 1  # perfkit: ok[{text}] {{# perfkit: ok #}}"):
        assert 1 <= comment.covers[0] <= comment.line
        assert comment.line <= 2 * lines + 1


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a folder with a module on sys.path."""
    file = tmp_path / "shop" / "views.py"
    file.parent.mkdir()
    file.write_text("def listed():\n    return books()  # perfkit: ok[few]\n")
    monkeypatch.syspath_prepend(tmp_path)
    return file


def reason_at(line: int, file: str = "shop/views.py") -> str | None:
    """Return the reason of the comment that covers a line, None without one."""
    comment = comments_by_line(file).get(line)
    return comment.reason if comment else None


def test_a_recorded_line_finds_its_comment(code: Path) -> None:
    """By the name that the file was recorded with."""
    assert (reason_at(1), reason_at(2), reason_at(3)) == (None, "few", None)
    assert reason_at(2, str(code)) == "few"


def test_a_changed_file_is_read_again(code: Path) -> None:
    """A server that runs on while files are edited, and templates that are replaced."""
    assert reason_at(2) == "few"
    code.write_text("def listed():\n    return books()  # perfkit: ok[fewer]\n")
    assert reason_at(2) == "fewer"
    code.unlink()
    assert reason_at(2) is None


@pytest.mark.parametrize("name", ["shop/gone.py", "shop", "", "a\0b", "x" * 5_000])
def test_what_is_no_file_has_no_comment(code: Path, name: str) -> None:
    """A folder, a name from elsewhere, junk."""
    assert reason_at(1, name) is None


def test_a_file_that_cannot_be_read_has_no_comment(code: Path) -> None:
    """An encoding that does not exist, a file too large to be code."""
    code.write_bytes(b"# coding: no-such-code\nx = 1  # perfkit: ok[few]\n")
    assert reason_at(2) is None
    code.write_bytes(b"x = 1  # perfkit: ok[few]\n")
    os.truncate(code, 6_000_000)
    assert reason_at(1) is None


def test_of_two_on_one_statement_the_one_with_a_reason_counts(code: Path) -> None:
    """In whatever order they stand."""
    code.write_text("# perfkit: ok\nbooks = all(  # perfkit: ok[few]\n)  # perfkit: ok\n")
    assert (reason_at(2), reason_at(3)) == ("few", "few")
