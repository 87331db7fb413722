#!/usr/bin/env bash
# Checks what ARCHITECTURE.md calls invariants and the compiler cannot see.
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0
fail() {
  echo "invariant broken: $1" >&2
  [[ -z ${2:-} ]] || echo "$2" >&2
  failed=1
}

# The browser's build carries neither database, engine nor sockets.
browser=$(cargo tree --locked --package frontend --target wasm32-unknown-unknown --edges normal --prefix none --format '{p} [{f}]' | sort -u)
if found=$(grep -E '^(sqlx|sqlx-[a-z]+|libsqlite3-sys|kube|k8s-openapi|landlock|rustix|inotify|argon2|hyper|axum) ' <<<"$browser"); then
  fail "frontend must not contain these crates" "$found"
fi
if found=$(grep -E '^tokio .*\[.*\b(net|process|fs)\b' <<<"$browser"); then fail "frontend has tokio's net, process or fs" "$found"; fi

# What ships knows no tests: their cheap passwords and crash points are features that it is built without.
if found=$(cargo tree --locked --package server --edges normal,features --prefix none | grep -E '^domain feature "(testing|crashpoints)"'); then
  fail "the server must be built without" "$found"
fi

# Pages cannot grow SQL, cluster calls or processes; the domain knows no web (tower by itself is how the client of a cluster is wrapped).
direct() { cargo tree --locked --package "$1" --depth 1 --edges normal --prefix none --all-features --format '{p}' | tail -n +2 | cut -d' ' -f1; }
if found=$(direct app | grep -Ex 'sqlx|kube|tokio|rustix'); then fail "app must not depend on" "$found"; fi
if found=$(direct domain | grep -Ex 'leptos.*|axum.*|tower-.*|http'); then fail "domain must not depend on" "$found"; fi

# SQL is fixed text: nothing is formatted into a query.
if found=$(grep -rnE 'AssertSqlSafe' --include='*.rs' app domain server frontend | grep -vE '^domain/src/(db|testing)'); then
  fail "SQL is assembled outside domain/src/db" "$found"
fi
if found=$(grep -rnEi '"(select|insert|update|delete) ' --include='*.rs' app/src server/src | grep -E 'query|sql' || true); [[ -n $found ]]; then
  fail "SQL lives in domain, not in app or server" "$found"
fi

# Names that say nothing.
if found=$(git ls-files '*.rs' | grep -E '/(utils?|helpers?|common|managers?|misc)(\.rs|/)'); then fail "a module's name says nothing" "$found"; fi

# Each test that docs/security-status.md names is there.
while read -r name; do
  grep -rqE "fn $name\(" --include='*.rs' app domain server xtask || fail "docs/security-status.md names the test $name, which is gone"
done < <(grep -oE '`[a-z0-9]+(_[a-z0-9]+){2,}`' docs/security-status.md | tr -d '`' | sort -u)
while read -r title; do
  grep -rqF "test('$title'" end2end/tests || fail "docs/security-status.md names the story \"$title\", which is gone"
done < <(grep -oE '"a[a-z][^"]{15,}"' docs/security-status.md | tr -d '"' | sort -u)

# Every Rust file opens with a line that says why it exists.
while read -r file; do
  [[ $(head -c 3 "$file") == '//!' ]] || fail "$file does not open with a //! line"
done < <(git ls-files '*.rs')

((failed)) || echo "invariants hold"
exit "$failed"
