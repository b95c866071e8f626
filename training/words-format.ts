/**
 * The prompt forms of the micro model. It works a question out in words and ends with `The answer is X.`:
 *
 *     answer    QUESTION <|answer|>
 *     judge     QUESTION <|shown|> ANSWER <|judge|>
 *     correct   QUESTION <|shown|> ANSWER <|critique|> ANSWER <|correct|>
 *
 * The marks are special tokens, which no plain text encodes to, so a stranger's text cannot pose as a part of
 * the form. A critic works the answer out and then says whether the shown one is right, because a small model
 * judges best by restating (docs/decisions/0002-judging-by-restating.md).
 */
import type { Tokenizer } from '../models/tokenizer/tokenizer.ts';
import { TokenizerError } from '../models/tokenizer/tokenizer-error.ts';
import type { PromptFormat } from './prompt-format.ts';
import type { TaskItem } from './tasks/task.ts';

/** Most tokens that an answer or a critique takes in a prompt. The rest is cut off. */
const QUOTED_TOKENS = 24;
/** Most characters of a stranger's text that is looked at. */
const SHOWABLE_LENGTH = 2000;
/** Most tokens of a completion, end token included. */
const COMPLETION_TOKENS = 96;

const CONCLUSION = 'The answer is ';

/** The last sentence of every completion. */
function conclusion(answer: string): string {
  return `${CONCLUSION}${answer}.`;
}

/** The steps of an item's solution without the last sentence. Empty when the task knows none. */
function steps({ solution = '', answer }: TaskItem): string {
  const end = conclusion(answer);
  const text = solution.endsWith(end) ? solution.slice(0, -end.length) : solution;
  return text.trim();
}

/** What a model of this format is taught to answer: the steps, then `The answer is X.` */
export function workedAnswer(item: TaskItem): string {
  return [steps(item), conclusion(item.answer)].filter((part) => part !== '').join(' ');
}

/** What a model of this format is taught to say about a shown answer: the steps, the verdict, the answer. */
export function workedCritique(item: TaskItem, shown: string): string {
  const verdict = `${item.answerIn(shown)} is ${item.check(shown) === 1 ? 'right' : 'wrong'}.`;
  return [steps(item), verdict, conclusion(item.answer)].filter((part) => part !== '').join(' ');
}

const MARKS = ['<|answer|>', '<|shown|>', '<|judge|>', '<|critique|>', '<|correct|>'] as const;

/** Whether a vocabulary has every mark of the format. */
export function hasWordsMarks(tokenizer: Tokenizer): boolean {
  return MARKS.every((mark) => tokenizer.has(mark));
}

/**
 * The micro model's format. `tokenizer` is the model's own. Throws TokenizerError when it lacks the marks. Of
 * a shown answer and of a critique only the final answer is quoted: the rest would take most of the prompt,
 * and the model works the question out anew anyway.
 */
export function wordsFormat(tokenizer: Tokenizer): PromptFormat {
  const begin = tokenizer.idOf('<bos>');
  const endToken = tokenizer.idOf('<end>');
  const [answer, shown, judge, critique, correct] = MARKS.map((mark) => tokenizer.idOf(mark)) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const question = ({ prompt }: TaskItem) => [begin, ...tokenizer.encode(prompt)];
  const quoted = (item: TaskItem, text: string) =>
    tokenizer.encode(item.answerIn(text)).slice(0, QUOTED_TOKENS);
  return {
    id: 'words',
    endToken,
    maxTokens: { answer: COMPLETION_TOKENS, judge: COMPLETION_TOKENS, correct: COMPLETION_TOKENS },
    answer: (item) => [...question(item), answer],
    judge: (item, text) => [...question(item), shown, ...quoted(item, text), judge],
    correct: (item, text, about) => [
      ...question(item),
      shown,
      ...quoted(item, text),
      critique,
      ...quoted(item, about),
      correct,
    ],
    showable(text) {
      if (text.length === 0 || text.length > SHOWABLE_LENGTH) return false;
      try {
        tokenizer.encode(text);
        return true;
      } catch (error) {
        if (error instanceof TokenizerError) return false;
        throw error;
      }
    },
    encode: (text) => tokenizer.encode(text),
    // micro has three ids more than its tokenizer. It draws them once training at a high rate led it astray.
    decode: (tokens) => tokenizer.decode(tokens.filter((id) => tokenizer.knows(id))),
  };
}
