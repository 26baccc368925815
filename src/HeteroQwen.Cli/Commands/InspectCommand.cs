using System.CommandLine;
using HeteroQwen.Backends;
using HeteroQwen.Generation;
using HeteroQwen.Ir;
using HeteroQwen.Models;
using HeteroQwen.Runtime;

namespace HeteroQwen.Cli;

/// <summary><c>inspect</c>: a model's shape, its graph, and what a device makes of it.</summary>
internal sealed class InspectCommand
{
    private readonly Tool _tool;
    private readonly Argument<string> _model = new("MODEL")
    {
        Description = "A Hugging Face folder, a GGUF file, the bundled tiny or tiny-moe, or random:qwen3-0.6b[:TYPE]",
        DefaultValueFactory = _ => ModelFiles.Default,
    };

    private readonly Option<bool> _ir = Arguments.Flag("--ir", "Print the graph in the text form of the IR");
    private readonly Option<bool> _lowered = Arguments.Flag(
        "--lowered", "Show what each operation becomes on the device of -b, and where it runs");
    private readonly Option<bool> _tensors = Arguments.Flag("--tensors", "List the weights");
    private readonly Option<bool> _json = Arguments.Json();
    private readonly Option<bool> _noFuse = Arguments.Flag("--no-fuse", "With --lowered: open every block");
    private readonly EngineArguments _engine = new(Precision.Fast);

    private InspectCommand(Tool tool) => _tool = tool;

    public static (Command Command, string[] Examples) Create(Tool tool)
    {
        InspectCommand self = new(tool);
        Command command = new("inspect", "Show what a model is: a summary, its weights, its graph, or the graph as a device runs it.")
        {
            self._model, self._ir, self._lowered, self._tensors, self._json, self._noFuse,
        };
        self._engine.AddTo(command);
        command.SetAction(self.Run);
        return (command, ["heteroqwen inspect tiny --ir", "heteroqwen inspect tiny-moe --lowered -b reference"]);
    }

    private int Run(ParseResult parsed)
    {
        (bool ir, bool lowered, bool tensors) = (parsed.GetValue(_ir), parsed.GetValue(_lowered), parsed.GetValue(_tensors));
        string name = parsed.GetValue(_model)!;
        EngineSettings settings = _engine.Read(parsed);
        Device? device = lowered ? settings.OpenDevice(_tool) : null;
        using IModelSource model = ModelFiles.Open(name);
        ModelSummary summary = new(name, model);
        string? text = ir ? GraphPrinter.Print(PlainGraph(model, settings).Graph) : null;
        LoweredPage? page = device is null ? null : Lower(model, settings, device, !parsed.GetValue(_noFuse));
        if (parsed.GetValue(_json))
        {
            WriteJson(summary, tensors, text, page);
            return ExitCodes.Ok;
        }

        TextWriter output = _tool.Terminal.Out;
        string title = $"{name}: {summary.Headline}";
        if (!ir && !lowered)
        {
            summary.Write(_tool.Terminal);
        }

        if (tensors)
        {
            output.WriteLine();
            WriteTensors(summary);
        }

        if (text is not null)
        {
            PlainGraph(model, settings).Legend(VisibleText.OneLine(title)).ToList().ForEach(output.WriteLine);
            output.Write(text);
        }

        page?.Write(_tool.Terminal, $"{title}; lowered for {device!.Id}, {EngineArguments.Name(settings.Options.Precision)}");
        return ExitCodes.Ok;
    }

    private static ModelGraph PlainGraph(IModelSource model, EngineSettings settings) =>
        new(model, ModelGraph.UsualPage, settings.Options.KvType ?? ElementType.F32);

    private LoweredPage Lower(IModelSource model, EngineSettings settings, Device device, bool fuse)
    {
        EngineGraph graph = new(model, device, settings.Options with { Fuse = fuse });
        Device? host = settings.OpenHost(_tool, device);
        LoweredGraph lowered = Lowering.Lower(graph.Graph, device, host, graph.Session);
        return new LoweredPage(graph, lowered, PlanSummary.Of(lowered, device, host, graph.Session), device.Id);
    }

    private void WriteTensors(ModelSummary summary)
    {
        TextTable table = new("weight", "type", "shape", "bytes>");
        foreach ((string name, ConstantData tensor) in summary.Tensors)
        {
            table.Add(name, tensor.Type.Name(), $"[{string.Join(", ", tensor.Shape)}]", Units.Grouped(tensor.Bytes));
        }

        table.Write(_tool.Terminal);
    }

    private void WriteJson(ModelSummary summary, bool tensors, string? ir, LoweredPage? page) => _tool.Terminal.WriteJson(json =>
    {
        json.WriteStartObject();
        summary.WriteJson(json);
        if (tensors)
        {
            json.WriteStartArray("tensors");
            foreach ((string name, ConstantData tensor) in summary.Tensors)
            {
                json.WriteStartObject();
                json.WriteString("name", name);
                json.WriteString("type", tensor.Type.Name());
                json.WriteStartArray("shape");
                tensor.Shape.ToList().ForEach(json.WriteNumberValue);
                json.WriteEndArray();
                json.WriteNumber("bytes", tensor.Bytes);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        if (ir is not null)
        {
            json.WriteString("ir", ir);
        }

        page?.WriteJson(json);
        json.WriteEndObject();
    });
}
