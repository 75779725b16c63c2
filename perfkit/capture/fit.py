"""Whether the running Django and asgiref have what each hook relies on though nobody promises it.

A probe asks no database and changes nothing: local names are read from code objects, attributes from
a queryset without a model, and ``get()`` is called on one that has a row of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from sys import _getframe
from types import CodeType, SimpleNamespace
from typing import Any, NamedTuple

from django.apps import apps

from perfkit.capture.needs import Misfit, code_at, has, mentions, the
from perfkit.capture.parts import find
from perfkit.capture.roles import functions_in

_QUERY = "django.db.models.query"
_DESCRIPTORS = "django.db.models.fields.related_descriptors"
_CONTENT_TYPES = "django.contrib.contenttypes"


class Hook(NamedTuple):
    """A hook, or a part of one: what is lost without it, and the probe of what it relies on."""

    name: str
    lost: str
    probe: Callable[[], None]


def _database() -> None:
    wrapper = "django.db.backends.base.base:BaseDatabaseWrapper"
    mentions(f"{wrapper}.__init__", "execute_wrappers")
    connection = SimpleNamespace(execute_wrappers=[])
    with the(f"{wrapper}.execute_wrapper")(connection, _database):
        if connection.execute_wrappers != [_database]:
            raise Misfit("execute_wrapper() does not put its function into execute_wrappers")
    code_at("django.utils.connection:BaseConnectionHandler.all", "initialized_only")
    the("django.db.backends.signals:connection_created")


def _cache() -> None:
    handler = "django.utils.connection:BaseConnectionHandler"
    mentions(f"{handler}.__init__", "_connections")
    mentions(f"{handler}.__getitem__", "_connections", "create_connection")
    has(the("django.core.cache:caches"), "create_connection", "_connections")
    backend = "django.core.cache.backends.base:BaseCache"
    code_at(f"{backend}.get", "key", "default")
    code_at(f"{backend}.get_many", "keys")
    has(the(backend), "has_key", "add", "set", "set_many", "delete")
    has(the(backend), "delete_many", "touch", "incr", "clear")


def _origins() -> None:
    queryset = the(f"{_QUERY}:QuerySet")()
    _reads_queryset(queryset)
    for name in ("ModelIterable", "RawModelIterable"):
        iterable = the(f"{_QUERY}:{name}")(queryset)
        has(iterable, "queryset")
        mentions(f"{_QUERY}:{name}.__iter__", "queryset")
        # Of a generator nothing runs yet; anything else would ask the database for no model.
        has(iterable.__iter__(), "__next__", "close")
    mentions(f"{_QUERY}:RawQuerySet.iterator", "RawModelIterable")
    mentions(f"{_QUERY}:RawQuerySet.__init__", "_prefetch_related_lookups")
    _walk_to_rows()
    mentions("django.db.models.base:Model.__init__", "_state", "ModelState")
    state = the("django.db.models.base:ModelState")()
    state.perfkit_origin = None
    has(state, "fields_cache")


def _walk_to_rows() -> None:
    """Go from ``list()`` and from ``get()`` to the rows as the origin hook does, without a model."""
    get = code_at(f"{_QUERY}:QuerySet.get")
    fetch_all = code_at(f"{_QUERY}:QuerySet._fetch_all")
    most = the(f"{_QUERY}:MAX_GET_RESULTS")
    seen: list[tuple[CodeType, CodeType, int | None]] = []

    class Rows:
        def __init__(self, queryset: Any, *args: Any, **kwargs: Any) -> None:
            self.queryset = queryset

        def __iter__(self) -> Iterator[str]:
            frame = _getframe(1)
            third = _getframe(3)
            seen.append((frame.f_code, third.f_code, self.queryset.query.high_mark))
            return iter(["row"])

    queryset = the(f"{_QUERY}:QuerySet")()
    queryset._iterable_class = Rows
    one = queryset.get()
    whole = list(queryset)
    if (one, whole) != ("row", ["row"]) or len(seen) != 2:
        raise Misfit("QuerySet does not take its rows from _iterable_class")
    if not seen[0][0] is seen[1][0] is fetch_all:
        raise Misfit("QuerySet._fetch_all is not what loads the rows")
    if seen[0][1] is not get or seen[0][2] != most:
        raise Misfit("QuerySet.get() does not come to _fetch_all through __len__ alone")


def _prefetches() -> None:
    code_at(f"{_QUERY}:prefetch_one_level", "lookup", "level", "instances")
    _reads_prefetch()


def _relations() -> None:
    for path in (
        f"{_DESCRIPTORS}:ForwardManyToOneDescriptor.__get__",
        f"{_DESCRIPTORS}:ForwardManyToOneDescriptor.get_object",
        f"{_DESCRIPTORS}:ReverseOneToOneDescriptor.__get__",
        "django.db.models.query_utils:DeferredAttribute.__get__",
        *filter(
            find,  # from Django 6.1 on
            (
                f"{_DESCRIPTORS}:ForwardManyToOneDescriptor.fetch_one",
                f"{_DESCRIPTORS}:ReverseOneToOneDescriptor.fetch_one",
            ),
        ),
    ):
        code_at(path, "self", "instance")
    mentions("django.db.models.query_utils:DeferredAttribute.__init__", "field")
    mentions(f"{_DESCRIPTORS}:ForwardManyToOneDescriptor.get_object", "get")
    mentions(f"{_DESCRIPTORS}:ForwardManyToOneDescriptor.__init__", "field")
    mentions(f"{_DESCRIPTORS}:ReverseOneToOneDescriptor.__init__", "related")
    mentions(f"{_DESCRIPTORS}:create_reverse_many_to_one_manager", "instance", "field")
    mentions(
        f"{_DESCRIPTORS}:create_forward_many_to_many_manager",
        *("instance", "through", "prefetch_cache_name"),
    )
    if apps.is_installed(_CONTENT_TYPES):
        fields = f"{_CONTENT_TYPES}.fields"
        newer = find(f"{fields}:GenericForeignKeyDescriptor")  # from Django 6.1 on
        name = "GenericForeignKeyDescriptor" if newer else "GenericForeignKey"
        code_at(f"{fields}:{name}.__get__", "self", "instance")
        mentions(f"{fields}:create_generic_related_manager", "instance", "prefetch_cache_name")
    code_at(f"{_QUERY}:QuerySet.get", "clone")
    code_at(f"{_QUERY}:QuerySet.aggregate", "args", "kwargs")
    queryset = the(f"{_QUERY}:QuerySet")()
    _reads_queryset(queryset)
    has(queryset, "_iterable_class")
    has(queryset.query, "where", "alias_map", "distinct", "extra")
    has(queryset.query, "order_by", "extra_order_by", "standard_ordering")
    has(queryset.query.where, "children")
    models = the("django.db:models")
    key = models.IntegerField()
    condition = key.get_lookup("exact")(the("django.db.models.expressions:Col")("row", key), 1)
    has(condition, "lhs", "rhs", "lookup_name")
    if condition.lhs.target is not key:
        raise Misfit("a condition does not name its field in lhs.target")
    has(models.ForeignKey, "target_field")
    foreign_key = models.ForeignKey("self", models.CASCADE)
    has(foreign_key.remote_field, "get_accessor_name", "multiple", "model")


def _internals() -> None:
    for path in (
        "django.db.models.base:Model._perform_unique_checks",
        "django.db.models:UniqueConstraint.validate",
        "django.db.models:CheckConstraint.validate",
        "django.db.models:ForeignKey.validate",
        "django.db.models.deletion:Collector.collect",
    ):
        code_at(path)
    managers = code_at(f"{_DESCRIPTORS}:create_forward_many_to_many_manager")
    named = {code.co_name for code in functions_in(managers)}
    for name in sorted({"set", "_get_missing_target_ids"} - named):
        raise Misfit(f"managers of many-to-many relations have no {name}()")
    if apps.is_installed("django.contrib.admin"):
        code_at("django.contrib.admin.views.main:ChangeList.get_results")


def _eager_loads() -> None:
    state = the("django.db.models.base:ModelState")()
    if type(state.fields_cache) is not dict:
        raise Misfit("ModelState.fields_cache is no dict")
    state.fields_cache = {}
    mixin = "django.db.models.fields.mixins:FieldCacheMixin"
    mentions(f"{mixin}.get_cached_value", "_state", "fields_cache")
    has(the(mixin), "cache_name")
    mentions(f"{_QUERY}:prefetch_one_level", "_prefetched_objects_cache", "_result_cache")
    mentions(f"{_QUERY}:prefetch_related_objects", "_prefetched_objects_cache")
    _reads_prefetch()
    for path in (
        f"{_QUERY}:get_prefetcher",
        f"{_DESCRIPTORS}:ForwardManyToOneDescriptor.__set__",
        f"{_DESCRIPTORS}:ReverseOneToOneDescriptor.__set__",
        "django.db.models:Model._prepare_related_fields_for_save",
    ):
        code_at(path)


def _templates() -> None:
    code_at("django.template.base:Node.render_annotated", "self", "context")
    base = "django.template.base"
    mentions(f"{base}:Parser.extend_nodelist", "token", "origin")
    has(the(f"{base}:Origin")("page.html"), "name")
    has(the(f"{base}:Token")(the(f"{base}:TokenType.VAR"), "row", lineno=1), "lineno")
    mentions(f"{base}:VariableNode.__init__", "filter_expression")
    mentions(f"{base}:FilterExpression.__init__", "var")
    if tuple(the(f"{base}:Variable")("row.author.pk").lookups) != ("row", "author", "pk"):
        raise Misfit("a template's variable does not know what it looks up")
    has(the("django.template:Context")(), "dicts")
    the("django.template.defaulttags:ForNode")


def _coroutines() -> None:
    path = "asgiref.sync:SyncToAsync"
    code_at(f"{path}.thread_handler")
    if not the("asgiref.sync:iscoroutinefunction")(the(path).__call__):
        raise Misfit("SyncToAsync.__call__ is no coroutine function")


def _answers() -> None:
    handler = "django.core.handlers.base:BaseHandler"
    code_at(f"{handler}.check_response", "response", "callback", "name")
    code_at(f"{handler}.resolve_request", "request")
    for name in ("_get_response", "_get_response_async"):
        mentions(f"{handler}.{name}", "check_response", "resolve_request")
    response = the("django.http:HttpResponse")()
    has(response, "headers", "cookies", "content", "streaming")
    has(response.headers, "_store")
    if list(response.headers._store.values()) != list(response.headers.items()):
        raise Misfit("ResponseHeaders._store does not hold pairs of name and value")
    has(the("django.template.response:SimpleTemplateResponse"), "add_post_render_callback")


def _boundaries() -> None:
    base = "django.core.handlers"
    code_at(f"{base}.base:BaseHandler._get_response")
    code_at(f"{base}.base:BaseHandler._get_response_async")
    code_at(f"{base}.base:BaseHandler.get_response")
    code_at(f"{base}.wsgi:WSGIHandler.__call__")
    code_at(f"{base}.asgi:ASGIHandler.__call__")


#: Every hook, in the order in which they are told; ``lost`` completes "Without it ...".
HOOKS = (
    Hook("database hook", "no statement is recorded: requests are timed only", _database),
    Hook("cache hook", "calls of the cache are not recorded", _cache),
    Hook("origin hook", "rows are not tagged: findings name no queryset and no fix", _origins),
    Hook(
        "prefetch hook",
        "reads from prefetched rows are not led back to the queryset that prefetched them",
        _prefetches,
    ),
    Hook(
        "relation hook",
        "findings name a loop and its statement only, neither relation nor fix",
        _relations,
    ),
    Hook(
        "internals hook",
        "what Django asks for itself, as for cascades and validation, may be told as a loop",
        _internals,
    ),
    Hook("eager load hook", "no unused_eager_load is found", _eager_loads),
    Hook("template hook", "loops in templates are told with the line of the view", _templates),
    Hook("coroutine hook", "what a coroutine waits for is not led back to its lines", _coroutines),
    Hook("answer hook", "nothing is told about caching", _answers),
    Hook("boundary hook", "lines of middleware and of the server may be named", _boundaries),
)


@cache
def misfits() -> dict[str, str]:
    """Return the hooks that do not fit, with the reason; probed once in a process."""
    found: dict[str, str] = {}
    for hook in HOOKS:
        try:
            hook.probe()
        except Misfit as error:
            found[hook.name] = str(error)
        except Exception as error:  # of whatever kind: something is not as it was
            found[hook.name] = f"{type(error).__name__}: {error}"
    return found


def _reads_queryset(queryset: Any) -> None:
    """Look for what is read of any queryset, in the request: whether the rows come hangs on it."""
    has(queryset, "_hints", "_known_related_objects", "_prefetch_related_lookups", "model")
    has(
        queryset.query, "low_mark", "high_mark", "select_related", "select_for_update", "combinator"
    )
    has(queryset.query, "deferred_loading", "is_sliced", "group_by", "annotations")
    has(queryset.query, "select_for_update_of")


def _reads_prefetch() -> None:
    prefetch = the("django.db.models:Prefetch")("book__author")
    has(prefetch, "prefetch_through", "prefetch_to", "queryset")
    if prefetch.get_current_to_attr(0)[0] != "book":
        raise Misfit("Prefetch.get_current_to_attr() does not give the name of one level")
