// The patches of an image in their grid, where the tokens of a text are such.

// Where a token lies, { row, column } from 0, in the grid of `texts`; what stands for no patch lies in a row above. null
// where the tokens are no patches.
export function spotOfPatch({ grid }, place) {
  if (!grid) return null;
  const above = grid.before ? 1 : 0;
  const patch = place - grid.before;
  if (patch < 0) return { row: 0, column: place };
  return { row: above + Math.floor(patch / grid.columns), column: patch % grid.columns };
}

// Lay the options of a list in that grid.
export function layPatches({ element, each }, texts) {
  if (!texts.grid) return;
  const [{ before, columns }, above] = [texts.grid, texts.grid.before ? 1 : 0];
  element.classList.add("patches");
  element.style.setProperty("--rows", above + Math.ceil((texts.labels.length - before) / columns));
  each((place, option) => {
    const { row, column } = spotOfPatch(texts, place);
    option.style.gridArea = `${row + 1} / ${column + 1}`;
  });
}
