// What can go wrong for which the page has words: the name of a message, and its values.

export class Failure extends Error {
  constructor(message, values = {}) {
    super(message);
    this.values = values;
  }
}
