from s2.params.models import folder_of, section_of


def test_a_folder_is_that_of_its_section_and_name() -> None:
    for folder in ("models/merged/a", "models/sft/b"):
        assert folder_of(*section_of(folder)) == folder
    assert section_of("models/merged/a") == ("merge", "a")
    assert section_of("models/base") == ("base", "")
