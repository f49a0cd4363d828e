// A Modbus server on modbus-serial, which nobody of this project wrote.
//
//     node server.js tcp PORT REGISTERS      node server.js rtu DEVICE REGISTERS
//
// REGISTERS is JSON: {"holding": {"130": 51200}, "coil": {"3": 1}}. Any other address is an illegal one. Says `ready` on
// standard output, then a line for each read: function, address, count; modbus-serial asks for bits one by one.
"use strict";

const { ServerTCP, ServerSerial } = require("modbus-serial");

const [way, where, registers] = process.argv.slice(2);
const tables = JSON.parse(registers);

function reader(code, table) {
  return (first, count) => {
    process.stdout.write(`${code} ${first} ${count}\n`);
    return Array.from({ length: count }, (_, index) => {
      const word = (table ?? {})[first + index];
      if (word === undefined) throw Object.assign(new Error("no such register"), { modbusErrorCode: 2 });
      return word;
    });
  };
}

const holding = reader(3, tables.holding);
const input = reader(4, tables.input);
const coil = reader(1, tables.coil);
const discrete = reader(2, tables.discrete);
const vector = {
  getMultipleHoldingRegisters: holding,
  getHoldingRegister: (at) => holding(at, 1)[0],
  getMultipleInputRegisters: input,
  getInputRegister: (at) => input(at, 1)[0],
  getCoil: (at) => coil(at, 1)[0],
  getDiscreteInput: (at) => discrete(at, 1)[0],
};

const server =
  way === "tcp"
    ? new ServerTCP(vector, { host: "127.0.0.1", port: Number(where), unitID: 255 })
    : new ServerSerial(vector, { port: where, baudRate: 9600, unitID: 255 });
server.on("initialized", () => process.stdout.write("ready\n"));
for (const name of ["serverError", "socketError", "error"]) {
  server.on(name, (error) => process.stderr.write(`${name}: ${error && error.message}\n`));
}
