// One open menu at a time; a click elsewhere or Escape closes it, and gives the focus back.
const open = () => [...document.querySelectorAll("details.menu[open]")];

export const closeMenus = () => {
  const menus = open();
  for (const menu of menus) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
  return menus.length > 0;
};

document.addEventListener("click", (event) => {
  for (const menu of open()) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
