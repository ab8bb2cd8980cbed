// Which folds are open stands in the URL, so that a link shared is a view shared.
const folds = () => [...document.querySelectorAll("details[data-fold]")];

const keep = () => {
  const url = new URL(location.href);
  const open = folds().filter((fold) => fold.open).map((fold) => fold.dataset.fold);
  if (open.length > 0) url.searchParams.set("folds", open.join(","));
  else url.searchParams.delete("folds");
  history.replaceState(history.state, "", url);
};

for (const fold of folds()) fold.addEventListener("toggle", keep);
