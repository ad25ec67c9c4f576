var t=document.querySelector("#themes");t.addEventListener("submit",n=>{let e=n.submitter;if(e instanceof HTMLButtonElement){n.preventDefault(),e.value==="syste\
m"?delete document.documentElement.dataset.theme:document.documentElement.dataset.theme=e.value;for(let o of t.querySelectorAll("button"))o.setAttribute("aria-p\
ressed",String(o===e));fetch(t.action,{method:"POST",body:new URLSearchParams({theme:e.value}),redirect:"manual"})}});
