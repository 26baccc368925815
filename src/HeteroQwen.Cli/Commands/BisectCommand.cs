using System.CommandLine;
using HeteroQwen.Backends;
using HeteroQwen.Conformance.Bisect;
using HeteroQwen.Models;
using HeteroQwen.Runtime;

namespace HeteroQwen.Cli;

/// <summary><c>bisect</c>: the first op of a model that a device gets wrong, and a case file of it.</summary>
internal sealed class BisectCommand
{
    private readonly Tool _tool;
    private readonly EngineArguments _engine = new(Precision.Exact);
    private readonly Option<string> _model = Arguments.Model();
    private readonly Option<string?> _save = Arguments.Text("--save", "FILE", "Where to save the case; OP.case.json in this folder unless given");
    private readonly Option<bool> _json = Arguments.Json();

    private BisectCommand(Tool tool) => _tool = tool;

    public static (Command Command, string[] Examples) Create(Tool tool)
    {
        BisectCommand self = new(tool);
        Command command = new("bisect", "Find the first op of a model that a device gets wrong, and save it as a case.")
        {
            self._model, self._save, self._json,
        };
        self._engine.AddTo(command);
        command.SetAction(self.Run);
        return (command, ["heteroqwen bisect -b cpu -m tiny", "heteroqwen bisect -b cpu -m tiny-moe --precision fast --json"]);
    }

    private int Run(ParseResult parsed)
    {
        EngineSettings settings = _engine.Read(parsed);
        Device device = settings.OpenDevice(_tool);
        using IModelSource model = ModelFiles.Open(parsed.GetValue(_model)!);
        Device reference = _tool.Backends.HostFor(device, settings.Threads);
        string? save = parsed.GetValue(_save);
        BisectReport report;
        using (Progress progress = new(_tool.Terminal, $"bisecting {model.Name} on {device.Id}"))
        {
            report = new Bisector(model, device, reference, settings.Options).Run(
                op => save ?? $"{op}.case.json", (_, _) => { }, _tool.Cancellation);
        }

        if (parsed.GetValue(_json))
        {
            WriteJson(report);
        }
        else
        {
            Write(report, model, device, settings);
        }

        return report.IsRight ? ExitCodes.Ok : ExitCodes.CheckFailed;
    }

    private void Write(BisectReport report, IModelSource model, Device device, EngineSettings settings)
    {
        TextWriter output = _tool.Terminal.Out;
        output.WriteLine(VisibleText.OneLine(
            $"{model.Name} on {device.Id}, {EngineArguments.Name(settings.Options.Precision)}: up to {Bisector.Prefill} tokens at once, then "
            + $"{Bisector.Decoded} one by one; each op alone, against float64 on the device's own operands."));
        if (report.OnHost.Count > 0)
        {
            output.WriteLine($"The host ran {string.Join(", ", report.OnHost)}; these were not compared.");
        }

        if (report.Fault is { } fault)
        {
            WriteFault(fault, report.Compared, device.Id);
        }
        else if (report.LogitsFault is { } logits)
        {
            output.WriteLine($"No op diverges in {report.Compared} launches, but the logits of the whole model do: {logits}.");
            output.WriteLine("Look where ops meet: memory that is reused, order on the stream, work that is not waited for.");
        }
        else
        {
            output.WriteLine($"Nothing diverges: {report.Compared} launches and the logits of the whole model are within their bounds.");
        }
    }

    private void WriteFault(BisectFault fault, int compared, string device)
    {
        TextWriter output = _tool.Terminal.Out;
        string step = fault.Step == 0 ? "in the prefill" : $"in decode step {fault.Step}";
        output.WriteLine();
        output.WriteLine($"The first op that diverges, after {compared - 1} that do not, {step}:");
        output.WriteLine($"  {fault.Line}");
        output.WriteLine($"  {fault.Reason}");
        if (fault.Index.Length > 0)
        {
            output.WriteLine(FormattableString.Invariant(
                $"  furthest off: result {fault.Result}, element [{string.Join(", ", fault.Index)}] is {fault.Got:R}, expected {fault.Expected:R}"));
            output.WriteLine($"  bound: {fault.Bound}");
        }

        output.WriteLine();
        output.WriteLine($"The smallest that still fails, with {fault.Bindings}:");
        output.WriteLine($"  {fault.Smallest}");
        output.WriteLine($"  {fault.SmallestReason}");
        output.WriteLine();
        output.WriteLine(fault.CaseFile is { } file
            ? $"Saved as {VisibleText.OneLine(file)}; `heteroqwen conform -b {device} --case {VisibleText.OneLine(file)}` runs it."
            : "Not saved: its operands are too large.");
    }

    private void WriteJson(BisectReport report) => _tool.Terminal.WriteJson(json =>
    {
        json.WriteStartObject();
        json.WriteBoolean("diverges", !report.IsRight);
        json.WriteNumber("compared", report.Compared);
        json.WriteStrings("on_host", report.OnHost);
        json.WriteString("logits", report.LogitsFault);
        json.WriteString("op", report.Fault?.Line);
        if (report.Fault is { } fault)
        {
            json.WriteNumber("step", fault.Step);
            json.WriteString("reason", fault.Reason);
            json.WriteNumber("result", fault.Result);
            json.WriteNumbers("index", fault.Index.Select(i => (int)i));
            json.WriteString("got", FormattableString.Invariant($"{fault.Got:R}"));
            json.WriteString("expected", FormattableString.Invariant($"{fault.Expected:R}"));
            json.WriteString("bound", fault.Bound);
            json.WriteString("smallest", fault.Smallest);
            json.WriteString("bindings", fault.Bindings.ToString());
            json.WriteString("smallest_reason", fault.SmallestReason);
            json.WriteString("case", fault.CaseFile);
        }

        json.WriteEndObject();
    });
}
