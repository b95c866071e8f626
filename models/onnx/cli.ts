/** `npm run export`: a model as an ONNX file. Ends with 0, or with 1 and a sentence. */
import { EXPORT_HELP, exportToFile, parseExportFlags } from './export-command.ts';

try {
  const flags = parseExportFlags(process.argv.slice(2));
  if (flags === 'help') console.log(EXPORT_HELP);
  else {
    const exported = await exportToFile(flags);
    console.log(
      flags.json
        ? JSON.stringify(exported)
        : `${exported.out}: ${exported.bytes} bytes, SHA-256 ${exported.sha256}, ${exported.arithmetic}`,
    );
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
