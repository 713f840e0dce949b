"""What can go wrong at the console's own door."""

from __future__ import annotations

from foundation.errors import AppError, Conflict, Forbidden


class SignInNeeded(AppError):
    """Nobody is signed in, or the shift's cookie has run out."""

    status = 401
    error_id = "sign_in_needed"

    def __init__(self) -> None:
        super().__init__("请先登录", "Please sign in")


class SignInRefused(AppError):
    """Name or password is wrong; which of the two is not said."""

    status = 401
    error_id = "sign_in_refused"

    def __init__(self) -> None:
        super().__init__("用户名或密码不对", "The name or the password is wrong")


class TooManyTries(AppError):
    """Too many wrong passwords from this address."""

    status = 429
    error_id = "too_many_tries"

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"密码错误次数过多，请 {wait_s} 秒后再试", f"Too many wrong tries; wait {wait_s} seconds")
        self.wait_s = wait_s


class ManyAtOnce(AppError):
    """So many prove themselves in this moment that one more would take the desk's pages their threads."""

    status = 429
    error_id = "many_at_once"

    def __init__(self) -> None:
        super().__init__("此刻登录的人太多，请过几秒再试", "Many are signing in just now; try again in some seconds")


class ForeignForm(Forbidden):
    """A form that did not come from our own page."""

    error_id = "foreign_form"

    def __init__(self) -> None:
        super().__init__(
            "这个请求不是从本页面发出的，未执行；请刷新页面再试",
            "This request did not come from our page and was not done; reload the page and try again",
        )


class NotYourRole(Forbidden):
    """The signed-in person's role does not allow this."""

    error_id = "role"

    def __init__(self) -> None:
        super().__init__("您的角色不能做这一步，请找班长", "Your role does not allow this; ask the supervisor")


class NoSeat(Conflict):
    """The step needs a seat and this person has none."""

    error_id = "no_seat"

    def __init__(self) -> None:
        super().__init__("请先选择坐席", "Choose a seat first")
