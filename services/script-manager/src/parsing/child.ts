/**
 * The parser process: texts of users are parsed here and nowhere else. It has no environment, and dies with the channel to its parent, which kills it
 * where a text takes too long or too much. Started by `checker.ts` only.
 */
import { Script_Language as Language, Script_Type as Type } from '@lethe/contracts/gen/lethe/script/v1/script';
import { checkText } from './check-text.ts';
import type { CheckResponse, ScriptText } from './protocol.ts';

const send = (response: CheckResponse | 'ready'): void => void process.send?.(response);

const respond = async (text: ScriptText): Promise<void> => {
  try {
    send({ checked: await checkText(text) });
  } catch (error) {
    // Its text may quote the script. The engine has no class for its full memory.
    const isFull = error instanceof Error && (error instanceof RangeError || error.message.startsWith('Out of Memory'));
    send({ failure: isFull ? 'RangeError' : error instanceof Error ? error.name : 'Error' });
  }
};

process.on('message', (text: ScriptText) => void respond(text));
process.on('disconnect', () => {
  process.kill(process.pid, 'SIGKILL');
});

// What the parsers load at their first use is loaded before a text is waited for.
await checkText({ type: Type.TRANSFORMATION, language: Language.SQL, content: 'SELECT 1' });
await checkText({ type: Type.EXTRACTION, language: Language.SQL, content: 'SELECT 1' });
await checkText({ type: Type.TRANSFORMATION, language: Language.TYPESCRIPT, content: 'export default (row: object) => row' });
send('ready');
