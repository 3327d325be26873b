"""Which pages of other sites may call: those of the settings' origins (Fetch, 3.2)."""

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from api.problem_documents import problem


class Cors(CORSMiddleware):
    """As Starlette's, but that a preflight is refused with a problem document as all else is."""

    def preflight_response(self, request_headers: Headers) -> Response:
        """What a browser is told that asks before it sends the request itself."""
        answer = super().preflight_response(request_headers)
        if answer.status_code == 200:
            return answer
        refused = bytes(answer.body).decode().removeprefix("Disallowed CORS ")
        kept = {
            name: value
            for name, value in answer.headers.items()
            if name not in {"content-length", "content-type"}
        }
        return problem(
            403,
            "cross-origin-refused",
            f"pages of other sites may not send this here, for its {refused}; see "
            "HIRELOG_CORS_ORIGINS",
            headers=kept,
        )
