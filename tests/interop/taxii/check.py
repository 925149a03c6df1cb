"""Reads a Luxor node with taxii2-client and stix2, unchanged: `check.py FILE`, the line that `taxii_interop` printed. Fails at any deviation."""

import json
import pathlib
import sys
import time

import requests
from requests.auth import AuthBase, HTTPBasicAuth
from stix2 import Filter, TAXIICollectionSource
from taxii2client.common import TokenAuth
from taxii2client.v21 import ApiRoot, Collection, Server, as_pages

told = json.loads(pathlib.Path(sys.argv[1]).read_text())
user, secret = told["user"], told["secret"]
ids = {f"indicator--00000000-0000-4000-8000-{number:012x}" for number in range(told["count"])}
basic = HTTPBasicAuth(user, secret)


class Bearer(AuthBase):
    def __call__(self, request):
        request.headers["Authorization"] = "Bearer " + secret
        return request


def same(what, found, wanted):
    if found != wanted:
        sys.exit(f"{what}: {str(found)[:300]}, not {str(wanted)[:300]}")


def until(what, ask):
    for _ in range(600):
        answer = ask()
        if answer:
            return answer
        time.sleep(0.1)
    sys.exit(f"in vain waited for {what}")


# Every way to say who asks, from discovery to the collection.
for name, auth in [("Basic", basic), ("Token", TokenAuth(key=secret)), ("Bearer", Bearer())]:
    server = Server(told["url"], auth=auth)
    root = server.default
    same("API roots", [known.url for known in server.api_roots], [root.url])
    same("versions", root.versions, ["application/taxii+json;version=2.1"])
    collections = until("a collection", lambda: ApiRoot(root.url, auth=auth).collections)
    same("collections", [(c.title, c.can_read, c.can_write) for c in collections], [("threats-ab", True, False)])
    print(f"{name}: {server.title}, collection {collections[0].id}")
url = collections[0].url
for auth in [None, HTTPBasicAuth(user, secret + "0"), HTTPBasicAuth("other", secret), TokenAuth(key="0" * 64)]:
    refused = requests.get(url, auth=auth, headers={"Accept": "application/taxii+json;version=2.1"})
    same("a wrong secret", (refused.status_code, "WWW-Authenticate" in refused.headers), (401, True))
    same("an error", refused.json()["http_status"], "401")

# Everything, page by page.
collection = Collection(url, auth=basic)
until("the last change", lambda: any(t.get("revoked") for t in collection.get_objects(id=told["revoked"]).get("objects", [])))
pages = list(as_pages(collection.get_objects, per_request=100))
objects = [thing for page in pages for thing in page["objects"]]
found = [thing["id"] for thing in objects if thing["type"] == "indicator"]
same("number of indicators", len(found), len(ids))
same("indicators", set(found), ids)
same("others", sorted(thing["type"] for thing in objects if thing["type"] != "indicator"), ["identity", "marking-definition"])
same("pages", {len(page["objects"]) for page in pages[:-1]}, {100})
revoked = [thing["id"] for thing in objects if thing.get("revoked")]
same("revoked", revoked, [told["revoked"]])
same("objects without a limit", sum(len(page["objects"]) for page in as_pages(collection.get_objects)), len(objects))

# The manifest says the same, and its dates rise.
manifest = [row for page in as_pages(collection.get_manifest, per_request=100) for row in page["objects"]]
same("manifest", [row["id"] for row in manifest], [thing["id"] for thing in objects])
dates = [row["date_added"] for row in manifest]
same("dates", dates, sorted(set(dates)))
same("versions", [row["version"] for row in manifest], [t.get("modified", t["created"]) for t in objects])

# What was added after a date is what stands behind it; behind the last there is nothing, until something comes.
middle = len(dates) // 2
rest = [thing["id"] for page in as_pages(collection.get_objects, per_request=100, added_after=dates[middle]) for thing in page["objects"]]
same("added after the middle", rest, [thing["id"] for thing in objects[middle + 1 :]])
same("added after the last", collection.get_objects(added_after=dates[-1]), {})
headers = requests.get(collection.objects_url, auth=basic, params={"limit": 7, "match[version]": "all"}).headers
versions = collection.get_manifest(limit=7, version="all")["objects"]
same("first date", headers["X-TAXII-Date-Added-First"], versions[0]["date_added"])
same("last date", headers["X-TAXII-Date-Added-Last"], versions[-1]["date_added"])

# One object, its versions, filters.
same("versions", len(collection.object_versions(told["revoked"])["versions"]), 2)
both = collection.get_object(told["revoked"], version="all")["objects"]
same("both versions", [thing.get("revoked", False) for thing in both], [False, True])
same("one moment of creation", len({thing["created"] for thing in both}), 1)
same("identities", len(collection.get_objects(type="identity")["objects"]), 1)
nothing = requests.get(f"{collection.objects_url}indicator--00000000-0000-4000-8000-ffffffffffff/", auth=basic)
same("nothing", nothing.status_code, 404)
wrong = requests.get(collection.objects_url, auth=basic, params={"limit": "many"})
same("a wrong parameter", (wrong.status_code, wrong.json()["title"]), (400, "Bad parameter"))
other = requests.get(collection.objects_url, auth=basic, headers={"Accept": "application/taxii+json;version=2.0"})
same("another version of TAXII", other.status_code, 406)

# stix2's own source parses what it queries.
source = TAXIICollectionSource(collection, items_per_page=500)
parsed = source.query([Filter("type", "=", "indicator")])
same("what stix2 parses", {thing.id for thing in parsed}, ids)
one = source.get(told["revoked"])
same("what stix2 gets", (one.id, one.revoked, one.confidence), (told["revoked"], True, 70))
same("all versions by stix2", len(source.all_versions(told["revoked"])), 2)
marking = source.get(one.object_marking_refs[0])
same("the label", marking.name, "TLP:AMBER")

# One more comes, and a client that goes on from its last date gets it alone.
more = pathlib.Path(told["more"])
more.touch()
until("one more", lambda: not more.exists())
later = until("one more", lambda: collection.get_objects(added_after=dates[-1]).get("objects"))
same("what came later", [thing["id"] for thing in later], [told["later"]])
print(f"{len(found)} indicators in {len(pages)} pages of 100; manifest, dates, filters, versions, revocation and secrets are as they should be")
