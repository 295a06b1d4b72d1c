// Announces a service with tags and stays.
'use strict';

const { text, connect, serve } = require('./muon');

const muon = connect('interop-announce', text('tags', 'interop,announced').split(','), () => serve(muon));
