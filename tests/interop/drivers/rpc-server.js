// Answers /echo with the body it got, /auth with the caller's auth, /silent never. Answers introspection as well.
'use strict';

const { print, connect, serve } = require('./muon');

const muon = connect('interop-rpc-server', undefined, () => serve(muon));
const handle = (path, answer) => muon.handle(path, (request, respond) => {
  print({ path, request });
  answer(request, respond);
});
handle('/echo', (request, respond) => respond({ body: request.body }));
handle('/auth', (request, respond) => respond({ auth: request.auth === undefined ? null : request.auth }));
handle('/silent', () => {});
