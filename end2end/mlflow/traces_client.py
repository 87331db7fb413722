#!/usr/bin/env python3
"""What MLflow's own client does with traces, against a running portal.

Needs an environment with mlflow 3. Usage: python traces_client.py --uri http://localhost:3000 --token slw_...
"""

import argparse
import json
import os
import sys
import traceback
import uuid

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--uri", required=True)
parser.add_argument("--token", required=True)
arguments = parser.parse_args()
os.environ["MLFLOW_TRACKING_URI"] = arguments.uri
os.environ["MLFLOW_TRACKING_TOKEN"] = arguments.token
os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"

import mlflow  # noqa: E402
import requests  # noqa: E402
from mlflow import MlflowClient  # noqa: E402
from mlflow.entities import AssessmentSource, SpanType  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402

client = MlflowClient()
stories = []


def story(function):
    stories.append(function)
    return function


def equal(got, expected):
    assert got == expected, f"{got!r} is not {expected!r}"


def experiment():
    name = f"traces-{uuid.uuid4().hex[:8]}"
    mlflow.set_experiment(name)
    return mlflow.get_experiment_by_name(name).experiment_id


def flush():
    mlflow.flush_trace_async_logging()


@mlflow.trace(span_type=SpanType.CHAIN)
def answer(question):
    with mlflow.start_span("model", span_type=SpanType.LLM) as span:
        span.set_inputs({"messages": [{"role": "user", "content": question}]})
        span.set_attribute("mlflow.chat.tokenUsage", {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10})
        span.set_attribute("temperature", 0.5)
        span.set_outputs({"text": "rain"})
    return {"answer": "rain", "n": 3, "list": [1, 2.5, None, True]}


def traced(question="weather?"):
    answer(question)
    flush()
    return mlflow.get_last_active_trace_id()


@story
def a_decorated_function_becomes_a_trace():
    experiment()
    trace = mlflow.get_trace(traced())
    equal([s.name for s in trace.data.spans], ["answer", "model"])
    root, model = trace.data.spans
    equal(root.inputs, {"question": "weather?"})
    equal(root.outputs, {"answer": "rain", "n": 3, "list": [1, 2.5, None, True]})
    equal((root.span_type, model.span_type, model.parent_id), ("CHAIN", "LLM", root.span_id))
    equal(model.attributes["temperature"], 0.5)
    equal(trace.info.state.value, "OK")
    equal(json.loads(trace.info.request_preview), {"question": "weather?"})
    equal(trace.info.token_usage["total_tokens"], 10)
    assert trace.info.execution_duration >= 0 and trace.info.request_time > 1_600_000_000_000


@story
def an_exception_is_kept_as_an_event():
    experiment()

    @mlflow.trace
    def fails():
        raise ValueError("no luck")

    try:
        fails()
    except ValueError:
        pass
    flush()
    trace = mlflow.get_trace(mlflow.get_last_active_trace_id())
    equal(trace.info.state.value, "ERROR")
    event = trace.data.spans[0].events[0]
    equal((event.name, event.attributes["exception.message"]), ("exception", "no luck"))


@story
def search_traces_finds_and_pages():
    where = experiment()
    ids = [traced(f"q{n}") for n in range(5)]
    found = mlflow.search_traces(locations=[where], return_type="list")
    equal([t.info.trace_id for t in found], ids[::-1])
    equal(len(found[0].data.spans), 2)
    first = client.search_traces(locations=[where], max_results=2)
    second = client.search_traces(locations=[where], max_results=2, page_token=first.token)
    equal([t.info.trace_id for t in list(first) + list(second)], ids[::-1][:4])
    one = client.search_traces(locations=[where], filter_string="trace.text LIKE '%q3%'")
    equal([t.info.trace_id for t in one], [ids[3]])
    equal(len(client.search_traces(locations=[where], filter_string="span.type = 'LLM' AND status = 'OK'")), 5)
    frame = mlflow.search_traces(locations=[where])
    equal(len(frame), 5)


@story
def tags_are_set_and_deleted():
    experiment()
    trace = traced()
    mlflow.set_trace_tag(trace, "topic", "weather")
    equal(mlflow.get_trace(trace).info.tags["topic"], "weather")
    mlflow.delete_trace_tag(trace, "topic")
    assert "topic" not in mlflow.get_trace(trace).info.tags


@story
def feedback_and_expectations_are_logged_changed_and_deleted():
    experiment()
    trace = traced()
    source = AssessmentSource(source_type="LLM_JUDGE", source_id="judge")
    good = mlflow.log_feedback(trace_id=trace, name="good", value=0.8, rationale="fine", source=source, metadata={"a": "b"})
    truth = mlflow.log_expectation(trace_id=trace, name="truth", value={"city": "Paris", "n": [1, 2]})
    said = {a.name: a for a in mlflow.get_trace(trace).info.assessments}
    equal((said["good"].value, said["good"].rationale, said["good"].metadata["a"]), (0.8, "fine", "b"))
    equal(said["truth"].value, {"city": "Paris", "n": [1, 2]})
    equal((said["good"].source.source_type, said["good"].source.source_id), ("LLM_JUDGE", "judge"))
    mlflow.update_assessment(trace, good.assessment_id, mlflow.entities.Feedback(name="good", value="yes"))
    equal(mlflow.get_assessment(trace, good.assessment_id).value, "yes")
    better = mlflow.override_feedback(trace_id=trace, assessment_id=good.assessment_id, value="no")
    equal(mlflow.get_assessment(trace, good.assessment_id).valid, False)
    mlflow.delete_assessment(trace, better.assessment_id)
    equal(mlflow.get_assessment(trace, good.assessment_id).valid, True)
    mlflow.delete_assessment(trace, truth.assessment_id)
    equal([a.name for a in mlflow.get_trace(trace).info.assessments], ["good"])


@story
def a_feedback_that_failed_keeps_its_error():
    experiment()
    trace = traced()
    mlflow.log_feedback(trace_id=trace, name="judge", error=ValueError("no model"))
    said = mlflow.get_trace(trace).info.assessments[0]
    equal((said.error.error_code, said.error.error_message), ("ValueError", "no model"))


@story
def a_trace_within_a_run_belongs_to_it():
    where = experiment()
    with mlflow.start_run() as run:
        trace = traced()
    outside = traced()
    equal([t.info.trace_id for t in client.search_traces(locations=[where], run_id=run.info.run_id)], [trace])
    client.link_traces_to_run([outside], run.info.run_id)
    equal(len(client.search_traces(locations=[where], run_id=run.info.run_id)), 2)


@story
def traces_are_deleted():
    where = experiment()
    ids = [traced() for _ in range(3)]
    equal(client.delete_traces(where, trace_ids=[ids[0]]), 1)
    equal(client.delete_traces(where, max_timestamp_millis=4_000_000_000_000, max_traces=1), 1)
    equal([t.info.trace_id for t in client.search_traces(locations=[where])], [ids[2]])
    equal(mlflow.get_trace(ids[0]), None)


@story
def spans_of_another_tracer_arrive_as_json():
    where = experiment()
    trace = uuid.uuid4().hex
    nano = 1_767_225_600_000_000_000
    text = lambda key, value: {"key": key, "value": {"stringValue": value}}
    number = lambda key, value: {"key": key, "value": {"intValue": str(value)}}
    attributes = [text("gen_ai.operation.name", "chat"), text("gen_ai.request.model", "small"),
                  number("gen_ai.usage.input_tokens", 4), number("gen_ai.usage.output_tokens", 2)]
    span = {"traceId": trace, "spanId": "00000000000000a1", "name": "chat small", "kind": 3, "startTimeUnixNano": str(nano),
            "endTimeUnixNano": str(nano + 5_000_000), "attributes": attributes, "status": {"code": 1}}
    body = {"resourceSpans": [{"resource": {"attributes": [text("service.name", "bot")]}, "scopeSpans": [{"spans": [span]}]}]}
    headers = {"Authorization": f"Bearer {arguments.token}", "x-mlflow-experiment-id": where}
    response = requests.post(f"{arguments.uri}/v1/traces", json=body, headers=headers, timeout=30)
    equal((response.status_code, response.json()), (200, {}))
    got = mlflow.get_trace(f"tr-{trace}")
    equal((got.info.token_usage["total_tokens"], got.info.tags["service.name"], got.info.execution_duration), (6, "bot", 5))
    equal((got.data.spans[0].span_type, got.data.spans[0].model_name), ("CHAT_MODEL", "small"))
    gone = requests.post(f"{arguments.uri}/v1/traces", json=body, headers={**headers, "x-mlflow-experiment-id": "999999"}, timeout=30)
    equal(gone.status_code, 404)


@story
def large_and_odd_values_come_back_as_they_were():
    experiment()
    value = {"text": "ä\u2028\"\\ " * 20_000, "deep": [[[[{"x": None}]]]], "big": 2**62, "tiny": 1e-300, "empty": {}, "none": []}
    with mlflow.start_span("odd") as span:
        span.set_inputs(value)
    flush()
    equal(mlflow.get_trace(span.trace_id).data.spans[0].inputs, value)


@story
def what_is_not_there_says_so():
    where = experiment()
    for call in [
        lambda: client.get_trace("tr-" + "0" * 32),
        lambda: client.set_trace_tag("tr-" + "0" * 32, "a", "b"),
        lambda: mlflow.get_assessment("tr-" + "0" * 32, "a-1"),
    ]:
        try:
            call()
        except MlflowException as error:
            equal(error.error_code, "RESOURCE_DOES_NOT_EXIST")
        else:
            raise AssertionError("there was no error")
    try:
        client.search_traces(locations=[where], filter_string="surprise = 'x'")
    except MlflowException as error:
        equal(error.error_code, "INVALID_PARAMETER_VALUE")
    else:
        raise AssertionError("there was no error")


passed = failed = 0
for one in stories:
    try:
        one()
        passed += 1
    except Exception:
        failed += 1
        print(f"FAILED {one.__name__}", file=sys.stderr)
        traceback.print_exc()
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
