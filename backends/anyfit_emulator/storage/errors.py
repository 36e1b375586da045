"""The services' error codes."""

from __future__ import annotations

__all__ = ["StoreError"]

_KNOWN: dict[str, tuple[int, str]] = {
    "AccessDenied": (403, "Access Denied"),
    "AuthorizationHeaderMalformed": (400, "The authorization header is malformed."),
    "BadDigest": (400, "The Content-MD5 or checksum you specified did not match what we received."),
    "BucketAlreadyExists": (409, "The requested bucket name is not available."),
    "BucketAlreadyOwnedByYou": (409, "You already own the bucket of this name."),
    "BucketNotEmpty": (409, "The bucket you tried to delete is not empty."),
    "EntityTooLarge": (400, "Your proposed upload exceeds the maximum allowed size."),
    "EntityTooSmall": (400, "Your proposed upload is smaller than the minimum allowed size."),
    "ExpiredToken": (400, "The provided token has expired."),
    "FileAlreadyExists": (409, "The object exists and overwriting was forbidden."),
    "IncompleteBody": (400, "The body is not as long as the headers said."),
    "InternalError": (500, "We encountered an internal error. Please try again."),
    "InvalidAccessKeyId": (403, "The access key id you provided does not exist in our records."),
    "InvalidArgument": (400, "Invalid argument."),
    "InvalidBucketName": (400, "The specified bucket is not valid."),
    "InvalidDigest": (400, "The Content-MD5 you specified is not valid."),
    "InvalidPart": (400, "One or more of the specified parts could not be found or has another ETag."),
    "InvalidPartNumber": (416, "The object has no part of that number."),
    "InvalidPartOrder": (400, "The list of parts was not in ascending order."),
    "InvalidRange": (416, "The requested range is not satisfiable."),
    "InvalidRequest": (400, "Invalid request."),
    "InvalidToken": (400, "The provided token is malformed or otherwise not valid."),
    "InvalidURI": (400, "Couldn't parse the specified URI."),
    "KeyTooLongError": (400, "Your key is too long."),
    "MalformedTrailerError": (400, "The trailers are not those that were announced."),
    "MalformedXML": (400, "The XML you provided was not well-formed or did not validate."),
    "MethodNotAllowed": (405, "The specified method is not allowed against this resource."),
    "MissingContentLength": (411, "You must provide the Content-Length header."),
    "NoSuchBucket": (404, "The specified bucket does not exist."),
    "NoSuchKey": (404, "The specified key does not exist."),
    "NoSuchUpload": (404, "The specified multipart upload does not exist."),
    "NotImplemented": (501, "This emulator does not implement what the request asks for."),
    "NotModified": (304, "Not Modified"),
    "PreconditionFailed": (412, "At least one of the preconditions you specified did not hold."),
    "RequestIsExpired": (403, "Request has expired."),
    "RequestTimeTooSkewed": (403, "The request's time differs too much from the server's."),
    "ServiceUnavailable": (503, "Service is unable to handle the request."),
    "SignatureDoesNotMatch": (403, "The signature we calculated does not match the one you provided."),
    "SlowDown": (503, "Please reduce your request rate."),
    "XAmzContentSHA256Mismatch": (400, "The x-amz-content-sha256 header does not match what was computed."),
}


class StoreError(Exception):
    """A request is refused.

    Attributes:
        code: The service's word, such as `NoSuchKey`.
        status: The HTTP status.
        message: For people.
        details: Further elements of the error document.
        headers: Further headers of the answer.
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        status: int = 0,
        details: dict[str, str] | None = None,
        headers: list[tuple[str, str]] | None = None,
    ) -> None:
        usual_status, usual_message = _KNOWN.get(code, (400, code))
        self.code = code
        self.status = status or usual_status
        self.message = message or usual_message
        self.details = details or {}
        self.headers = headers or []
        super().__init__(f"{self.status} {self.code}: {self.message}")
