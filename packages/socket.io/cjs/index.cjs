'use strict'
// What `require` gives: a function that makes a server, with the classes on it. The code is that of the ES module.
const { Server, Namespace, Socket } = require('@roomful/socket.io/esm')

// Instrumentation of OpenTelemetry waits for these two files, to replace methods of their classes.
require('@roomful/socket.io/dist/socket.js')
require('@roomful/socket.io/dist/broadcast-operator.js')

module.exports = (srv, opts) => new Server(srv, opts)
module.exports.Server = Server
module.exports.Namespace = Namespace
module.exports.Socket = Socket
