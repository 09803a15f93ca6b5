"""Query parameters that a route does not have. Rule: a filter that we do not know is refused, never left out unsaid:
its answer would be everything.
"""

from __future__ import annotations

from fastapi.routing import APIRoute
from starlette.requests import HTTPConnection

from api.problems import Problem


def refuse_unknown_parameters(connection: HTTPConnection) -> None:
    """Problem 422, naming the first parameter that does not stand in the route's own signature."""
    route = connection.scope.get("route")
    if not connection.query_params or not isinstance(route, APIRoute):
        return
    known = [field.alias for field in route.dependant.query_params]
    for name in connection.query_params:
        if name not in known:
            wanted = f"known are {', '.join(known)}" if known else "there are none here"
            raise Problem(422, f"there is no query parameter {name!r}; {wanted}", field=name)
