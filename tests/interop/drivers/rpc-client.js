// Makes one request and prints the response.
'use strict';

const { text, json, print, connect, end } = require('./muon');

connect('interop-rpc-client', undefined, (muon) => {
  const url = `rpc://${text('to')}${text('path')}`;
  muon.requestWithAuth(url, json('body', {}), json('auth', null)).then(
    (response) => { print({ response }); end(muon); },
    (failed) => { print({ failed }); end(muon); });
});
