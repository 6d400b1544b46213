import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2.reddit.edits import edit_at, paragraphs, without_courtesies, without_edit


@pytest.mark.parametrize(
    ("markdown", "kept"),
    [
        ("Answer. Edit: thanks for the gold!", "Answer."),
        ("Answer.\nEdit: typo", "Answer."),
        ("Answer.\n\nEdit: typo", "Answer."),
        ("Answer [Edit]", "Answer"),
        ("Answer. [Edit - spelling]", "Answer."),
        ("Answer. (edit: grammar)", "Answer."),
        ("Answer. [edited to sort out a link]", "Answer."),
        ("Answer. EDIT typo", "Answer."),
        ("Answer.\n\nEDIT PS: more", "Answer."),
        ("Answer. Edited: a word", "Answer."),
        ("Answer. Edit for clarity: words", "Answer."),
        ("Answer\nEdit for clarity", "Answer"),
        ("Answer. Edited to add something.", "Answer."),
        ("Answer. Editing to add: more", "Answer."),
        ("Answer. ETA: more", "Answer."),
        ("Answer\nETA: more", "Answer"),
        ("Answer. Update: it works", "Answer."),
        ("Answer. *Edit typos*", "Answer."),
        ("Answer. ***Edit*** A simpler thought", "Answer."),
        ("Answer. *edit* I forgot", "Answer."),
        ("Answer.\n\n**EDIT 2:** typo", "Answer."),
        ("Answer. Final edit: done", "Answer."),
        ("Answer. Edit2: done", "Answer."),
        ("Answer. Edit(s): done", "Answer."),
        ("Answer. edit - here it is", "Answer."),
        ("Answer. Edit*", "Answer."),
        ("Answer.\n\n[Edit] More.", "Answer."),
        ("Answer. **Edit**: more", "Answer."),
        ("Answer. **Edit** : more", "Answer."),
        ("Answer.\n\n(Edited for clarity)", "Answer."),
        ("Answer. *Edited for spelling*", "Answer."),
        ("Answer. Edit #2: more", "Answer."),
        ("Answer... edit: more", "Answer..."),
        ("Answer\nUPDATE: more", "Answer"),
        ("Answer.\nedit--after reading it", "Answer."),
        ("Answer!\n\n^(Edit: words)", "Answer!"),
        ("* Answer.\n* Edit: more", "Answer."),
        ("Edit: this is all there is.", ""),
    ],
)
def test_a_text_ends_before_its_first_edit(markdown: str, kept: str) -> None:
    text = paragraphs(markdown)
    assert edit_at(text) is not None
    assert without_edit(text) == kept


@pytest.mark.parametrize(
    "markdown",
    [
        "I edit films.\n\nEditing is fun.",
        "A program can edit parts of your computer. It needs to edit more.",
        "Edited video is not the way it happened.",
        "The letters ETA are common. ETA are pressed often.",
        "The list is updated every year. Updates are free.",
        "The previous edition nailed it. Editors knew.",
        "There were some typos. The typo stayed.",
        "Edit the file, then save it.",
        "P.S. It is blue.",
        "The book (edited by John Smith) tells more. The SQL verbs: UPDATE, DELETE.",
        "Use a hex editor. Editing formats differ.",
        "Edit-wars are common. I made an edit - it was small.",
        "The last update: 2015. How do I update - and why?",
    ],
)
def test_words_about_editing_are_no_edit(markdown: str) -> None:
    text = paragraphs(markdown)
    assert edit_at(text) is None and without_edit(text) == text


@pytest.mark.parametrize(
    ("markdown", "kept"),
    [
        ("How does it work?\n\nThanks in advance!", "How does it work?"),
        ("How? Thank you !", "How?"),
        ("Thanks in advance for the ELI5!\n\nThey always say so. Why?", "They always say so. Why?"),
        ("Why? That's all, thanks!", "Why?"),
        ("Why is it so? P.S. I am not a doctor.", "Why is it so?"),
        ("Why?\n\nPS: I like trains", "Why?"),
        (
            "How did people in Rome, thanks to roads, trade?",
            "How did people in Rome, thanks to roads, trade?",
        ),
        ("Thanks to the moon there are tides. How?", "Thanks to the moon there are tides. How?"),
        ("Thanks to Allied bombing, it lost oil. How?", "Thanks to Allied bombing, it lost oil. How?"),
        ("Thanks in part to TV, it grew. Why?", "Thanks in part to TV, it grew. Why?"),
        ("Why do consoles (PS, Xbox) cost less?", "Why do consoles (PS, Xbox) cost less?"),
        ("TIA stands for a stroke. What is it?", "TIA stands for a stroke. What is it?"),
        ("What is it? TIA!", "What is it?"),
        ("Why? Thanks to all who answer!", "Why?"),
        ("Is a PS 4 stronger than a PC?", "Is a PS 4 stronger than a PC?"),
    ],
)
def test_courtesies_leave_a_question(markdown: str, kept: str) -> None:
    assert without_courtesies(paragraphs(markdown)) == kept


@given(st.text(alphabet="Edit: ETA.\n*_[]()-1Pps thankupdo", max_size=80))
def test_what_is_cut_is_the_end(markdown: str) -> None:
    text = paragraphs(markdown)
    kept = without_edit(text)
    assert text.startswith(kept) and len(without_courtesies(text)) <= len(text)
