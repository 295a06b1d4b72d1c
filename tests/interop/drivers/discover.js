// Waits until a service of a name or of tags is seen, or for a time, and prints all that are known.
'use strict';

const { given, number, print, connect, end } = require('./muon');

connect('interop-discover', undefined, (muon, _transport, services) => {
  const deadline = Date.now() + number('within', 10000);
  const tags = given.tags && given.tags.split(',');
  const found = () => (given.name && services.find(given.name)) || (tags && services.findServiceWithTags(tags));
  const gone = () => given.gone && !services.find(given.gone);
  const look = () => {
    if (!found() && !gone() && Date.now() < deadline) return setTimeout(look, 50);
    muon.discovery().discoverServices((now) => {
      print({ found: found() || null, gone: Boolean(gone()), services: now.serviceList });
      end(muon);
    });
  };
  look();
});
