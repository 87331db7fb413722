"""Models: autologged, logged, loaded, registered, aliased, staged, found again."""

import os

import pytest


@pytest.fixture(scope="module")
def data():
    from sklearn.datasets import load_iris

    return load_iris(return_X_y=True, as_frame=True)


def test_autologging_logs_a_model_that_loads_again(ada, data):
    from sklearn.linear_model import LogisticRegression

    features, target = data
    ada.sklearn.autolog(log_input_examples=True, silent=True)
    try:
        with ada.start_run() as run:
            model = LogisticRegression(max_iter=300).fit(features, target)
    finally:
        ada.sklearn.autolog(disable=True)
    found = ada.get_run(run.info.run_id)
    assert found.data.params["max_iter"] == "300"
    assert found.data.metrics["training_accuracy_score"] > 0.9
    assert [i.dataset.name for i in found.inputs.dataset_inputs]
    logged = ada.search_logged_models(output_format="list")
    assert logged and logged[0].source_run_id == run.info.run_id
    again = ada.sklearn.load_model(f"models:/{logged[0].model_id}")
    assert list(again.predict(features)) == list(model.predict(features))


def test_a_model_is_registered_aliased_and_loaded_by_alias(ada, data):
    from sklearn.linear_model import LogisticRegression

    features, target = data
    name = f"iris-{os.urandom(3).hex()}"
    model = LogisticRegression(max_iter=300).fit(features, target)
    with ada.start_run() as run:
        info = ada.sklearn.log_model(model, name="model", registered_model_name=name, input_example=features.head(2))
    client = ada.MlflowClient()
    first = client.get_model_version(name, "1")
    assert (first.run_id, first.status) == (run.info.run_id, "READY")
    second = ada.register_model(info.model_uri, name)
    assert str(second.version) == "2"
    client.set_registered_model_alias(name, "champion", "2")
    client.set_model_version_tag(name, "2", "reviewed", "yes")
    loaded = ada.pyfunc.load_model(f"models:/{name}@champion")
    assert list(loaded.predict(features)) == list(model.predict(features))
    assert str(client.get_model_version_by_alias(name, "champion").version) == "2"
    assert [m.name for m in client.search_registered_models(f"name = '{name}'")] == [name]
    assert {str(v.version) for v in client.search_model_versions(f"name = '{name}'")} == {"1", "2"}


def test_a_file_of_a_registered_version_stays_as_it_is(ada, data, portal, api):
    from sklearn.linear_model import LogisticRegression

    features, target = data
    name = f"pinned-{os.urandom(3).hex()}"
    with ada.start_run():
        ada.sklearn.log_model(LogisticRegression(max_iter=300).fit(features, target), name="model", registered_model_name=name)
    logged = ada.search_logged_models(output_format="list")[0]
    path = logged.artifact_location.removeprefix("mlflow-artifacts:/") + "/MLmodel"
    kept = api("GET", f"/api/2.0/mlflow-artifacts/artifacts/{path}", portal.ada).content
    changed = api("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{path}", portal.ada, data=b"poison")
    assert changed.status_code == 409
    assert api("GET", f"/api/2.0/mlflow-artifacts/artifacts/{path}", portal.ada).content == kept


def test_a_prompt_is_registered_and_formatted(ada):
    name = f"greeting-{os.urandom(3).hex()}"
    ada.genai.register_prompt(name=name, template="Hello {{who}}", commit_message="first")
    ada.genai.register_prompt(name=name, template="Good day {{who}}")
    assert ada.genai.load_prompt(f"prompts:/{name}/1").format(who="Ada") == "Hello Ada"
    ada.genai.set_prompt_alias(name, "now", 2)
    assert ada.genai.load_prompt(f"prompts:/{name}@now").format(who="Ada") == "Good day Ada"
    # Prompts are no models.
    assert name not in [m.name for m in ada.search_registered_models()]


def test_sources_elsewhere_are_refused(portal, api):
    name = f"sources-{os.urandom(3).hex()}"
    assert api("POST", "/api/2.0/mlflow/registered-models/create", portal.ada, json={"name": name}).status_code == 200
    for source in ("file:///etc", "/etc", "./../etc", "http://127.0.0.1/a", "mlflow-artifacts:/../../etc", "ftp://h/a", "dbfs:/x"):
        answer = api("POST", "/api/2.0/mlflow/model-versions/create", portal.ada, json={"name": name, "source": source})
        assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), source
