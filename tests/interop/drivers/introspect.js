// Asks a service what it offers and prints the report.
'use strict';

const { text, print, connect, end } = require('./muon');

connect('interop-introspect', undefined, (muon) => {
  muon.introspect(text('to')).then(
    (report) => { print({ report }); end(muon); },
    (failed) => { print({ failed }); end(muon); });
});
