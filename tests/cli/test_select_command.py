import shutil


def _weights(path):
    return (path / "absa_gru/model").read_bytes()


def test_the_better_pipeline_is_kept_wherever_it_stands(absa, pipelines):
    for order in (("trained", "untrained"), ("untrained", "trained")):
        result = absa("select", *order, "final", "--dev", "dev.spacy")
        assert result.code == 0
        assert "kept trained" in result.out
        assert _weights(pipelines / "final") == _weights(pipelines / "trained")
    assert not list(pipelines.glob(".final*"))


def test_of_equals_the_first_is_kept(absa, pipelines):
    shutil.copytree(pipelines / "trained", pipelines / "twin")
    for order in (("trained", "twin"), ("twin", "trained")):
        result = absa("select", *order, "final", "--dev", "dev.spacy")
        assert f"kept {order[0]}" in result.out


def test_bad_input(refused, pipelines):
    assert "no such file" in refused("select", "trained", "trained", "f", "--dev", "x.spacy")
    assert "cannot be loaded" in refused("select", "nowhere", "trained", "f", "--dev", "dev.spacy")
