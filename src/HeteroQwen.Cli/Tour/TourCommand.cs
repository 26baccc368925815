using HeteroQwen.Backends;
using HeteroQwen.Generation;
using HeteroQwen.Models;
using HeteroQwen.Runtime;
using Spectre.Console;

namespace HeteroQwen.Cli;

/// <summary>
/// The program without arguments: devices, the bundled models' answers to the same prompts on every device, greedy and exact,
/// whether the text is the same, and how fast each device was.
/// </summary>
internal sealed class TourCommand(Tool tool)
{
    private static readonly (string Prompt, bool Thinks)[] s_prompts =
    [
        ("What is the capital of Italy?", false),
        ("日本的首都是哪里？", false),
        ("What is 47 + 85?", true),
        ("Tell me a story about a kind panda named Tom.", false),
    ];

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(6);

    private bool _same = true;

    public int Run()
    {
        Styled("HeteroQwen: one Qwen3 graph, every device here", "bold cyan");
        Out.WriteLine();
        DevicesCommand.WriteTable(tool, "  ");
        foreach (string name in BundledModels.Names)
        {
            Show(name);
        }

        Out.WriteLine();
        Out.WriteLine(_same ? "Every device gave the same text." : "The devices did not give the same text.");
        Out.WriteLine("Next: heteroqwen run \"Sort: 5 2 9 1\" --no-think, heteroqwen inspect tiny --ir, heteroqwen --help");
        return _same ? ExitCodes.Ok : ExitCodes.CheckFailed;
    }

    private TextWriter Out => tool.Terminal.Out;

    private void Show(string name)
    {
        using IModelSource model = ModelFiles.Open(name);
        QwenTokenizer tokenizer = model.Text.RequireTokenizer();
        int[][] prompts = [.. s_prompts.Select(p => model.Text.Template.Render(new ChatRequest
        {
            Messages = [new(ChatRole.User, p.Prompt)],
            EnableThinking = p.Thinks,
        }).Encode(tokenizer))];
        Heading($"{name}: {new ModelSummary(name, model).Headline}; greedy, exact");
        Out.Flush();
        List<TourRun> runs = RunAll(model, prompts);
        for (int i = 0; i < prompts.Length; i++)
        {
            ShowAnswer(s_prompts[i].Prompt, i, runs, tokenizer);
        }

        ShowRates(runs);
        Out.Flush();
    }

    private List<TourRun> RunAll(IModelSource model, int[][] prompts)
    {
        List<TourRun> runs = [];
        using Progress progress = new(tool.Terminal, $"loading {model.Name}");
        foreach ((string id, _, _) in tool.Backends.Devices().Where(d => d.Info.Available))
        {
            Device device = tool.Backends.Open(id, null);
            Precision precision = device.Capabilities.Precisions.Contains(Precision.Exact) ? Precision.Exact : Precision.Fast;
            EngineOptions options = new() { Precision = precision, Context = 512 };
            using Engine engine = Engine.Open(model, device, null, options);
            TourRun run = new(id, runs.Count == 0 ? null : s_patience);
            TourRun.WarmUp(engine, prompts[0]);
            foreach (int[] prompt in prompts)
            {
                progress.Report($"{model.Name} on {id}, prompt {run.Answers.Count + 1} of {prompts.Length}");
                run.Ask(engine, prompt, tool.Cancellation);
            }

            runs.Add(run);
        }

        return runs;
    }

    private void ShowAnswer(string prompt, int number, List<TourRun> runs, QwenTokenizer tokenizer)
    {
        GenerationResult first = runs[0].Answers[number];
        Out.WriteLine();
        Styled($"  > {prompt}", "bold");
        AnswerPrinter printer = new(tool.Terminal, tokenizer, indent: "    ");
        first.Ids.ToList().ForEach(printer.Print);
        printer.End();
        foreach (TourRun run in runs)
        {
            GenerationResult answer = run.Answers[number];
            int? difference = SameText.FirstDifference(first, answer);
            _same &= difference is null;
            Styled($"    {Verdict(run, first, answer, difference, tokenizer)}", difference is null ? "green" : "red");
        }
    }

    private static string Verdict(TourRun run, GenerationResult first, GenerationResult answer, int? difference, QwenTokenizer tokenizer)
    {
        if (difference is { } at)
        {
            string Piece(GenerationResult result) => VisibleText.Piece(tokenizer.PieceOf(result.Ids[at]));
            return $"✗ {run.Id}: differs at token {at + 1}, "
                + $"'{Piece(answer)}' where there was '{Piece(first)}' with a margin of {first.Margins[at]:0.000}";
        }

        return $"✓ {run.Id}: {answer.Ids.Count}{(answer.Ids.Count < first.Ids.Count ? " of " + first.Ids.Count : "")} tokens";
    }

    private void ShowRates(List<TourRun> runs)
    {
        Out.WriteLine();
        TextTable table = new("device", "prompt tokens/s>", "answer tokens/s>");
        runs.ForEach(run => table.Add(run.Id, Units.Rate(run.PrefillRate), Units.Rate(run.DecodeRate)));
        table.Write(tool.Terminal, "  ");
    }

    private void Heading(string text)
    {
        Out.WriteLine();
        Styled(text, "bold cyan");
    }

    private void Styled(string text, string style)
    {
        if (tool.Terminal.IsStyled)
        {
            tool.Terminal.Pretty.MarkupLine($"[{style}]{Markup.Escape(text)}[/]");
        }
        else
        {
            Out.WriteLine(text);
        }
    }
}
