"""The way back: whoever signs in comes to the page whose address they had opened, and not to the first of all."""

from pathlib import PurePosixPath
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.user_info import AUTH_LOGIN_ENDPOINT

from core.ui.navigation import STEPS
from core.ui.state import PARAMETERS

CALLBACK = "/oauth2callback"  # Streamlit asks that `redirect_uri` ends with it
COOKIE = "headstart_way_back"
SECONDS = 15 * 60  # that somebody may take to sign in
MAX_LENGTH = 500


def own_page(address: str) -> str:
    """Returns the part of an address that names a page of ours, put together anew from what a page knows.

    Args:
        address: From a browser, which may say anything.

    Returns:
        Such as `learned?project=1a2b`, to be put behind the address of the app; empty for all that is no page of ours,
        and for the first one.
    """
    try:
        url = urlsplit(address)
    except ValueError:
        return ""
    name = PurePosixPath(url.path).name
    asked = parse_qs(url.query)
    known = urlencode({parameter: asked[parameter][0] for parameter in PARAMETERS if parameter in asked})
    page = (name if name in STEPS else "") + (f"?{known}" if known else "")
    return page if len(page) <= MAX_LENGTH else ""


class WayBack:
    """Middleware: remembers the page from which somebody goes to sign in, and sends them there when they come back.

    Streamlit sends everybody to the first page. The browser names the page that it comes from when it asks for the
    sign-in service; until it is back, a cookie of its own keeps it, since Streamlit begins a new session then.
    """

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, and changes the answer where it leads to the sign-in service or back from it."""
        path = scope.get("path", "")
        if scope["type"] != "http" or not path.endswith((AUTH_LOGIN_ENDPOINT, CALLBACK)):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        comes_back = path.endswith(CALLBACK)
        page = own_page(unquote(request.cookies.get(COOKIE, "")) if comes_back else request.headers.get("referer", ""))

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if comes_back and page and "location" in headers:
                    headers["location"] = headers["location"].rstrip("/") + "/" + page
                headers.append("set-cookie", _cookie("" if comes_back else page))
            await send(message)

        await self._app(scope, receive, send_on)


def _cookie(page: str) -> str:
    """Returns the header that lets a browser remember a page, or forget it where it is empty."""
    lifetime = SECONDS if page else 0
    return f"{COOKIE}={quote(page, safe='')}; Path=/; Max-Age={lifetime}; HttpOnly; SameSite=Lax"


MIDDLEWARE = [Middleware(WayBack)]
