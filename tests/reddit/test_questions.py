import pytest

from s2.reddit.questions import is_question, question_title


@pytest.mark.parametrize(
    "title",
    [
        "ELI5: Why is the sky blue?",
        "ELI5 how do magnets work",
        "Is ice a mineral",
        "The difference between weather and climate",
        "The differences between England and Britain",
        "Daily life in ancient Rome: what was it like?",
        "Weekly wages in 1800: how much was a loaf of bread?",
        "Meta-analysis: how does it work?",
        "Announcement of D-Day: how did people hear of it?",
        "Rule changes in chess: why were there so few?",
        "Did the AMA oppose Medicare?",
        "What does AMA stand for?",
        "Sunday roast: why is it eaten on that day?",
        "Friday the 13th: why is it unlucky?",
        "Friday 13: why is it unlucky?",
        "Why are few banks open Sundays?",
        "Why is the post office not open Saturday mornings?",
        "How do daily newspapers do research?",
        "Why do weekly magazines print questions of readers?",
        "How did Cromwell's 20 years rule end?",
        "Podcasts: why do they sound so close?",
        "Sunday, December 7, 1941: how did Japan surprise the US?",
        "Sunday, 28 June 1914: What did the driver do?",
        "What was Idi Amin's 20-year rule like?",
        "Friday fish question: why do Catholics eat fish?",
        "Wednesday reading of the bible in the church, why?",
        "What is the role of AMA: American Medical Association?",
        "AMA: how did it limit doctors?",
        "Why are spider silks sticky threads?",
        "What does x-post mean?",
        "How accurate is Dan Carlin's podcast: Hardcore History?",
        "Did people ask me anything in court?",
        "Why are the threads of screws right-handed?",
        "How did podcasts become popular?",
    ],
)
def test_a_question(title: str) -> None:
    assert is_question(title)


@pytest.mark.parametrize(
    "title",
    [
        "ELI5: Magnets",
        "I'm Dr. X, a volcanologist at the University of Y, who knows why they erupt. AMA!",
        "AskScience AMA Series: We are three botanists, who study how trees talk",
        "Panel AMA: The Crusades, when and why",
        "Ask me anything about how volcanoes work",
        "Floating Feature: What inspired you to love history?",
        "Tuesday Trivia: What are the best stories of animals?",
        "Monday Methods: How do historians use diaries?",
        "Friday Free-for-All | When did it all begin?",
        "Wednesday, September 4, 2019: what have you learned?",
        "Trivia Tuesday: who knows it?",
        "FAQ Friday: What have you wondered about sleep?",
        "Monday Mish-Mash | What are your favourite frauds?",
        "Thursday Focus: Which fortresses?",
        "Saturday Sources | What are you reading?",
        "Theory Thursday | How do historians use theory?",
        "I am a historian who studies Rome, AMAA!",
        "We are astronomers who found a planet. AUA!",
        "IAmA physicist who studies what dark matter is",
        "I'm Dr. Who. AMA starts at 3pm",
        "I wrote a book on what Rome ate. AMA (proof inside)",
        "(META) Why are so many comments removed?",
        "META Why are so many comments removed?",
        "Cross post from AskScience: why is it so?",
        "X post from askreddit: why is it so?",
        "Podcast episode 7: why Rome fell",
        "Saturday Reading and Research | September 7: what are you reading?",
        "Short Answers to Simple Questions | Weekly thread, what is yours?",
        "Ask Anything Wednesday - Economics, and how it works",
        "Rules Roundtable: Why we remove jokes",
        "Megathread: What is happening with the election?",
        "Daily discussion thread: who is here?",
        "Why is the sky blue? (x-post from r/askscience)",
        "Crosspost from r/history: why did Rome fall?",
        "AskHistorians Podcast 123 - How Rome fell",
        "[Meta] Why do we remove jokes?",
        "META: What should change?",
        "Mod post: how to ask",
        "Announcement: how we moderate",
        "Rule change: what to post",
        "Meetup: who is coming to London?",
        "What does the 20 year rule say?",
    ],
)
def test_no_question(title: str) -> None:
    assert not is_question(title)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("I know that it can kill. How does it work?", True),
        ("Can someone explain the science of it", True),
        ("I am just curious about why it grows.", True),
        ("I never really understood how cells go wrong.", True),
        ("I was wondering if it can be caught.", True),
        ("My uncle has it. I know all about it.", False),
        ("", False),
    ],
)
def test_a_title_that_names_its_subject_asks_by_its_body(body: str, expected: bool) -> None:
    assert is_question("ELI5: Cancer", body) is expected
    assert not is_question("Tuesday Trivia: Cancer", body)


def test_the_tag_leaves_the_title() -> None:
    assert question_title("ELI5: Why is rain wet?") == "Why is rain wet?"
    assert question_title("[ELI5] - why is rain wet?") == "why is rain wet?"
    assert question_title("ELIF: Why is rain wet?") == "Why is rain wet?"
    assert question_title("Why eli5?") == "Why eli5?"
