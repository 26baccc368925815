using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using HeteroQwen.Ir;
using HeteroQwen.Models;

namespace HeteroQwen.Cli;

/// <summary><c>quantize</c>: a model as a GGUF file, its weights in another type.</summary>
internal sealed class QuantizeCommand
{
    private readonly Tool _tool;
    private readonly Argument<string> _in = new("IN")
    {
        Description = "A Hugging Face folder, a GGUF file, the bundled tiny or tiny-moe, or random:qwen3-0.6b[:TYPE]",
    };

    private readonly Argument<string> _out = new("OUT") { Description = "The GGUF file to write" };
    private readonly Option<string?> _type = Arguments.Text("--type", string.Join('|', QuantizationPlan.Types), "Type of the weights");
    private readonly Option<bool> _force = Arguments.Flag("--force", "Replace OUT if it is there");
    private readonly Option<string?> _threads = Arguments.Threads();

    private QuantizeCommand(Tool tool) => _tool = tool;

    public static (Command Command, string[] Examples) Create(Tool tool)
    {
        QuantizeCommand self = new(tool);
        Command command = new("quantize", "Write a model as a GGUF file, which llama.cpp reads too.")
        {
            self._in, self._out, self._type, self._force, self._threads,
        };
        command.SetAction(self.Run);
        return (command,
        [
            "heteroqwen quantize tiny /tmp/tiny-q8_0.gguf --type q8_0 --force",
            "heteroqwen quantize tiny-moe /tmp/tiny-moe-bf16.gguf --type bf16 --force",
        ]);
    }

    private int Run(ParseResult parsed)
    {
        string type = Arguments.Choice(parsed, _type, [.. QuantizationPlan.Types])
            ?? throw new UserErrorException($"quantize: say what type the weights become, by --type {string.Join('|', QuantizationPlan.Types)}");
        (string path, bool force) = (parsed.GetValue(_out)!, parsed.GetValue(_force));
        int threads = Arguments.Whole(parsed, _threads, 1, 1024) ?? Environment.ProcessorCount;
        Quantizer.CheckOutput(path, force);
        using IModelSource model = ModelFiles.Open(parsed.GetValue(_in)!);
        QuantizationPlan plan = QuantizationPlan.Create(model, type);
        foreach (string note in plan.Notes)
        {
            Terminal.Note($"note: {note}");
        }

        Write(plan, Convert(plan, path, force, threads), path);
        return ExitCodes.Ok;
    }

    private ImmutableArray<QuantizedType> Convert(QuantizationPlan plan, string path, bool force, int threads)
    {
        using Progress progress = new(_tool.Terminal, $"{plan.ModelName}: 0 %");
        int shown = 0;
        return Quantizer.Write(plan, path, force, threads, share =>
        {
            int percent = (int)(100 * share);
            if (percent != shown)
            {
                shown = percent;
                progress.Report($"{plan.ModelName}: {percent} %");
            }
        }, _tool.Cancellation);
    }

    private void Write(QuantizationPlan plan, ImmutableArray<QuantizedType> types, string path)
    {
        TextTable table = new("type", "tensors>", "weights>", "size>", "bits per weight>", "rmse>", "of the rms>");
        foreach (QuantizedType t in types)
        {
            table.Add(
                t.Type.Name(), $"{t.Tensors}", Units.Grouped(t.Weights), Units.Bytes(t.Bytes), Bits(t.Bytes, t.Weights),
                t.Rmse == 0 ? "0" : Text(t.Rmse, "0.00e+0"), t.Rmse == 0 ? "0 %" : $"{Text(100 * t.Rmse / t.Rms, "0.000")} %");
        }

        table.Write(_tool.Terminal);
        string bits = Bits(types.Sum(t => t.Bytes), types.Sum(t => t.Weights));
        _tool.Terminal.Out.WriteLine();
        _tool.Terminal.Out.WriteLine($"{VisibleText.OneLine(path)}: {Units.Bytes(plan.FileBytes)}, {bits} bits per weight");
    }

    private static string Bits(long bytes, long weights) => Text(8.0 * bytes / weights, "0.00");

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
