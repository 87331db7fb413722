"""Files of runs: up, listed, down, byte for byte, and only for their team."""

import os


def test_files_come_back_as_they_were(ada, tmp_path):
    content = os.urandom(3_000_000)
    (tmp_path / "blob.bin").write_bytes(content)
    (tmp_path / "folder/sub").mkdir(parents=True)
    (tmp_path / "folder/a.txt").write_text("A")
    (tmp_path / "folder/sub/b.txt").write_text("ünï")
    with ada.start_run() as run:
        ada.log_artifact(str(tmp_path / "blob.bin"))
        ada.log_artifacts(str(tmp_path / "folder"), "data")
        ada.log_text("hello", "notes/hello.txt")
        ada.log_dict({"a": [1, 2]}, "d.json")
    client = ada.MlflowClient()
    assert {(f.path, f.is_dir) for f in client.list_artifacts(run.info.run_id)} == {
        ("blob.bin", False), ("data", True), ("notes", True), ("d.json", False)}
    assert {f.path for f in client.list_artifacts(run.info.run_id, "data")} == {"data/a.txt", "data/sub"}
    down = ada.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="blob.bin", dst_path=str(tmp_path / "down"))
    assert open(down, "rb").read() == content
    folder = ada.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="data", dst_path=str(tmp_path / "down"))
    assert open(os.path.join(folder, "sub", "b.txt")).read() == "ünï"
    assert ada.artifacts.load_dict(f"runs:/{run.info.run_id}/d.json") == {"a": [1, 2]}


def test_a_large_file_goes_up_in_parts(ada, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD", "true")
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE", str(8 << 20))
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE", str(5 << 20))
    content = os.urandom(12 << 20)
    (tmp_path / "big.bin").write_bytes(content)
    with ada.start_run() as run:
        ada.log_artifact(str(tmp_path / "big.bin"))
    down = ada.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="big.bin", dst_path=str(tmp_path / "down"))
    assert open(down, "rb").read() == content


def test_another_team_gets_no_byte(ada, portal, api):
    with ada.start_run() as run:
        ada.log_text("secret", "s.txt")
    path = ada.get_run(run.info.run_id).info.artifact_uri.removeprefix("mlflow-artifacts:/") + "/s.txt"
    assert api("GET", f"/api/2.0/mlflow-artifacts/artifacts/{path}", portal.ada).text == "secret"
    for url in (f"/api/2.0/mlflow-artifacts/artifacts/{path}", f"/get-artifact?run_id={run.info.run_id}&path=s.txt",
                f"/ajax-api/2.0/mlflow-artifacts/artifacts/{path}", f"/api/2.0/mlflow/artifacts/list?run_id={run.info.run_id}"):
        assert api("GET", url, portal.eve).status_code == 404, url


def test_a_range_is_served(ada, portal, api):
    with ada.start_run() as run:
        ada.log_text("0123456789", "r.txt")
    path = ada.get_run(run.info.run_id).info.artifact_uri.removeprefix("mlflow-artifacts:/") + "/r.txt"
    part = api("GET", f"/api/2.0/mlflow-artifacts/artifacts/{path}", portal.ada, headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.text, part.headers["content-range"]) == (206, "234", "bytes 2-4/10")
