var r=document.querySelector("#themes");r.addEventListener("submit",t=>{let e=t.submitter;if(e instanceof HTMLButtonElement){t.preventDefault(),e.value==="syste\
m"?delete document.documentElement.dataset.theme:document.documentElement.dataset.theme=e.value;for(let n of r.querySelectorAll("button"))n.setAttribute("aria-p\
ressed",String(n===e));fetch(r.action,{method:"POST",body:new URLSearchParams({theme:e.value}),redirect:"manual"})}});addEventListener("submit",t=>{let e=t.target;
if(!(t.defaultPrevented||e.method==="dialog")){if(e.ariaBusy==="true")return t.preventDefault();e.ariaBusy="true",setTimeout(()=>e.ariaBusy=null,1e4)}});addEventListener(
"pageshow",()=>{for(let t of document.forms)t.ariaBusy=null});
