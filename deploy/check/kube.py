"""The API server, as far as these checks ask it: objects, discovery, dry runs, and requests in the name of somebody else."""

import base64, http.client, json, ssl, tempfile, urllib.parse

import yaml


class Refused(Exception):
    def __init__(self, status, answer):
        super().__init__(f"{status}: {answer.get('message', answer)}")
        self.status = status


class Cluster:
    def __init__(self, kubeconfig):
        with open(kubeconfig) as file:
            config = yaml.safe_load(file)
        named = lambda kind, name: next(e for e in config[kind + "s"] if e["name"] == name)[kind]
        context = named("context", config["current-context"])
        cluster, user = named("cluster", context["cluster"]), named("user", context["user"])
        self.url = urllib.parse.urlsplit(cluster["server"])

        def file(holder, key):
            if key in holder:
                return holder[key]
            if key + "-data" not in holder:
                return None
            made = tempfile.NamedTemporaryFile(suffix=".pem")
            made.write(base64.b64decode(holder[key + "-data"]))
            made.flush()
            kept.append(made)
            return made.name

        kept = self.kept = []
        self.tls = ssl.create_default_context(cafile=file(cluster, "certificate-authority"))
        if certificate := file(user, "client-certificate"):
            self.tls.load_cert_chain(certificate, file(user, "client-key"))
        self.token = user.get("token")
        self.lists = {}

    def ask(self, method, path, body=None, kind="application/json", account=None):
        """The answer's JSON. `account` is NAMESPACE/NAME of a service account to be."""
        headers = {"Accept": "application/json", "Content-Type": kind}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        connection = http.client.HTTPSConnection(self.url.hostname, self.url.port, context=self.tls, timeout=30)
        try:
            text = None if body is None else json.dumps(body)
            connection.putrequest(method, path)
            for name, value in headers.items():
                connection.putheader(name, value)
            if account:
                namespace, name = account.split("/")
                connection.putheader("Impersonate-User", f"system:serviceaccount:{namespace}:{name}")
                for group in ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"):
                    connection.putheader("Impersonate-Group", group)
            connection.putheader("Content-Length", str(len(text or "")))
            connection.endheaders((text or "").encode())
            response = connection.getresponse()
            answer = response.read().decode()
        finally:
            connection.close()
        answer = json.loads(answer) if answer.startswith("{") else {"message": answer}
        if response.status >= 400:
            raise Refused(response.status, answer)
        return answer

    def resource(self, api_version, kind):
        """How the server calls a kind, and whether it lies in namespaces; none where it has no such kind."""
        if api_version not in self.lists:
            try:
                path = f"/api/{api_version}" if "/" not in api_version else f"/apis/{api_version}"
                self.lists[api_version] = self.ask("GET", path)["resources"]
            except Refused as refused:
                if refused.status != 404:
                    raise
                self.lists[api_version] = []
        found = [r for r in self.lists[api_version] if r["kind"] == kind and "/" not in r["name"]]
        return (found[0]["name"], found[0]["namespaced"]) if found else None

    def path(self, thing):
        name, namespaced = self.resource(thing["apiVersion"], thing["kind"])
        root = "/apis/" if "/" in thing["apiVersion"] else "/api/"
        within = f"/namespaces/{thing['metadata']['namespace']}" if namespaced else ""
        return f"{root}{thing['apiVersion']}{within}/{name}"

    def apply(self, thing, dry_run, account=None):
        """Server-side apply; what it knows no field for is refused."""
        options = "fieldManager=check&force=true&fieldValidation=Strict" + ("&dryRun=All" if dry_run else "")
        path = f"{self.path(thing)}/{thing['metadata']['name']}?{options}"
        return self.ask("PATCH", path, thing, "application/apply-patch+yaml", account)

    def create(self, thing, account=None):
        return self.ask("POST", self.path(thing), thing, account=account)

    def may(self, account, verb, group, resource, namespace="", name=""):
        """Whether the account may do it, as it would be told itself."""
        resource, _, sub = resource.partition("/")
        attributes = {"verb": verb, "group": group, "resource": resource, "subresource": sub, "namespace": namespace, "name": name}
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": attributes}}
        return self.ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review, account=account)["status"]["allowed"]
