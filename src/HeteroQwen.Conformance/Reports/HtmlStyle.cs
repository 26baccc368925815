namespace HeteroQwen.Conformance;

/// <summary>The page's style sheet: light and dark, no font and no picture from elsewhere.</summary>
internal static class HtmlStyle
{
    public const string Css = """
        :root{color-scheme:light dark;--bg:#fbfbfa;--card:#fff;--ink:#1d2126;--dim:#66707c;--line:#dfe3e8;--accent:#2457c5;
        --pass:#1c7c46;--passbg:#dff3e6;--fail:#b3261e;--failbg:#fbe1de;--skip:#8a6100;--skipbg:#fbeecb;--mis:#7a3bb0;--misbg:#efe1fa;--code:#f1f3f6}
        @media(prefers-color-scheme:dark){:root{--bg:#14171b;--card:#1c2026;--ink:#e4e8ee;--dim:#97a2b0;--line:#323943;--accent:#7fa8ff;
        --pass:#5fd08f;--passbg:#163524;--fail:#ff8d83;--failbg:#471d1a;--skip:#f0c25c;--skipbg:#3d3010;--mis:#cf9cff;--misbg:#35204a;--code:#252a32}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
        main{max-width:1120px;margin:0 auto;padding:28px 20px 80px}
        h1{font-size:26px;margin:0 0 2px}h2{font-size:19px;margin:40px 0 10px}h3{font-size:15px;margin:0}
        p{margin:6px 0}.dim{color:var(--dim)}
        code,pre{font:13px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
        code{overflow-wrap:anywhere}
        pre{background:var(--code);border-radius:6px;padding:8px 10px;margin:8px 0;overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere}
        nav{margin:14px 0 0;display:flex;gap:14px;flex-wrap:wrap}
        a{color:var(--accent);text-decoration:none}a:hover{text-decoration:underline}
        .head{display:flex;gap:24px;justify-content:space-between;align-items:flex-start;flex-wrap:wrap}
        .badges{display:flex;gap:10px}
        .badge{border:1px solid var(--line);background:var(--card);border-radius:10px;padding:8px 16px;text-align:center;min-width:84px}
        .badge b{display:block;font-size:26px;line-height:1.2}.badge span{color:var(--dim);font-size:12px}
        .bar{display:flex;height:14px;border-radius:7px;overflow:hidden;margin:20px 0 8px;background:var(--line)}
        .bar i{display:block;min-width:3px}
        .legend{display:flex;gap:16px;flex-wrap:wrap;font-size:14px}
        .dot{display:inline-block;width:10px;height:10px;border-radius:3px;margin-right:6px}
        .scroll{overflow-x:auto}
        table{border-collapse:collapse;background:var(--card);border:1px solid var(--line);border-radius:8px;font-size:14px;width:100%}
        th,td{padding:6px 10px;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}
        th{color:var(--dim);font-weight:600;font-size:13px;white-space:nowrap}
        .n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
        tbody tr:last-child td{border-bottom:0}
        .card{background:var(--card);border:1px solid var(--line);border-left:4px solid var(--fail);border-radius:8px;padding:12px 16px;margin:12px 0;
        display:flex;gap:20px;justify-content:space-between;flex-wrap:wrap}
        .card>div:first-child{flex:1 1 420px;min-width:0}
        .tag{display:inline-block;border-radius:5px;padding:0 7px;font-size:12px;font-weight:600;margin-right:8px;text-transform:uppercase}
        .pass{background:var(--passbg);color:var(--pass)}.fail,.crash,.hang{background:var(--failbg);color:var(--fail)}
        .unsupported,.fallback{background:var(--skipbg);color:var(--skip)}.mistrusted{background:var(--misbg);color:var(--mis)}
        .matrix{width:auto}.matrix th,.matrix td{text-align:center;padding:4px 8px}.matrix td:first-child,.matrix th:first-child{text-align:left}
        .cell{display:inline-block;min-width:52px;border-radius:5px;padding:2px 6px;font-size:13px;font-variant-numeric:tabular-nums;cursor:default}
        .heat{display:block}.heat rect{shape-rendering:crispEdges}
        figure{margin:0}figcaption{font-size:12px;color:var(--dim);max-width:240px;margin-top:4px}
        details{margin:8px 0}summary{cursor:pointer}ul{margin:6px 0;padding-left:22px}
        .ok{color:var(--pass);font-weight:600}.no{color:var(--fail);font-weight:600}
        """;
}
