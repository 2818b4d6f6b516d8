-- Makes wrk POST the JSON that stands behind "--" in its command line.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"

function init(arguments)
  wrk.body = arguments[1]
end
