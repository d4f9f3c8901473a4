// Runs Python on MicroPython's WebAssembly port. The argument is the size of the heap in bytes.
//
// A line of standard input is {"steps": [..], "folders": [..]}, and the answer to it a line of
// standard output, {"output": .., "status": ..}. Each has an interpreter of its own, whose file system
// is in memory: the folders are copied into it at their own paths, and are what is imported from.
// Garbage is collected between two steps and at no other time, so a long one becomes slow.

import fs from "node:fs";
import path from "node:path";
import readline from "node:readline";
import { loadMicroPython } from "@micropython/micropython-webassembly-pyscript";

function copy(folder, files) {
    files.mkdirTree(folder);
    for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
        const name = path.join(folder, entry.name);
        if (entry.isDirectory()) copy(name, files);
        else files.writeFile(name, fs.readFileSync(name));
    }
}

async function run({ steps, folders }) {
    const output = [];
    const write = (data) => output.push(Buffer.from(data));
    const heapsize = Number(process.argv[2]);
    const python = await loadMicroPython({ heapsize, stdout: write, stderr: write, linebuffer: false });
    let status = 0;
    try {
        for (const folder of folders) copy(folder, python.FS);
        python.runPython(`import sys; sys.path[:] = ${JSON.stringify([...folders, ".frozen"])}`);
        for (const step of steps) python.runPython(step);
    } catch (error) {
        status = Number(/^SystemExit: (\d+)$/m.exec(error.message)?.[1] ?? 1);
        write(`${error.message}\n`);
    }
    return { output: Buffer.concat(output).toString(), status };
}

for await (const line of readline.createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await run(JSON.parse(line))));
}
process.exit(); // whatever an interpreter still waits for
