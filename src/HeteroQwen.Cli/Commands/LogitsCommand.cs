using System.CommandLine;
using System.Text.Json;
using HeteroQwen.Backends;
using HeteroQwen.Generation;
using HeteroQwen.Ir;
using HeteroQwen.Models;
using HeteroQwen.Runtime;

namespace HeteroQwen.Cli;

/// <summary><c>logits</c>: the logits of every position of a text, as JSON that is written while it is computed.</summary>
internal sealed class LogitsCommand
{
    private readonly Tool _tool;
    private readonly EngineArguments _engine = new(Precision.Exact);
    private readonly Option<string> _model = Arguments.Model();
    private readonly Option<string?> _tokens = Arguments.Text("--tokens", "1,2,3", "The text as token ids");
    private readonly Option<string?> _text = Arguments.Text("--text", "TEXT", "The text, control tokens recognised");
    private readonly Option<string?> _output = Arguments.Text("-o", "FILE", "Write to a file rather than to standard output", "--output");

    private LogitsCommand(Tool tool) => _tool = tool;

    public static (Command Command, string[] Examples) Create(Tool tool)
    {
        LogitsCommand self = new(tool);
        Command command = new("logits", "Compute the logits of every position of a text.")
        {
            self._model, self._tokens, self._text, self._output,
        };
        self._engine.AddTo(command);
        command.SetAction(self.Run);
        return (command,
        [
            "heteroqwen logits --text \"What is 1 + 2?\"",
            "heteroqwen logits -m tiny-moe -b reference --tokens 1511,269,198",
        ]);
    }

    private int Run(ParseResult parsed)
    {
        (string? list, string? text) = (parsed.GetValue(_tokens), parsed.GetValue(_text));
        if (list is null == text is null)
        {
            throw new UserErrorException("logits: give the text either by --tokens 1,2,3 or by --text TEXT");
        }

        EngineSettings settings = _engine.Read(parsed);
        string name = parsed.GetValue(_model)!;
        Device device = settings.OpenDevice(_tool);
        using IModelSource model = ModelFiles.Open(name);
        int[] tokens = list is not null
            ? Arguments.Ids(list, "--tokens")
            : model.Text.RequireTokenizer().Encode(text!, allowSpecial: true);
        int context = Math.Clamp(tokens.Length, 1, model.Config.ContextLimit);
        settings = settings with { Options = settings.Options with { AllRows = true, Context = context } };
        using Engine engine = settings.Open(_tool, model, device);
        Write(engine, tokens, parsed.GetValue(_output));
        FallbackNotes.Write(engine.Ledger);
        return ExitCodes.Ok;
    }

    /// <summary>Nothing is opened before the first logits are there, so that a wrong prompt leaves an existing file alone.</summary>
    private void Write(Engine engine, int[] tokens, string? path)
    {
        Stream? stream = null;
        Utf8JsonWriter? json = null;
        try
        {
            TeacherForced.Run(engine, tokens, (position, logits) =>
            {
                if (json is null)
                {
                    _tool.Terminal.Out.Flush();
                    stream = path is null ? _tool.Terminal.OpenRaw() : File.Create(path);
                    json = Terminal.NewJsonWriter(stream, indented: false);
                    json.WriteStartObject();
                    json.WriteNumbers("tokens", tokens);
                    json.WriteStartArray("logits");
                }

                WriteRow(json, engine, position, logits);
            }, cancellation: _tool.Cancellation);
            json!.WriteEndArray();
            json.WriteEndObject();
            json.Flush();
            stream!.Write("\n"u8);
        }
        finally
        {
            if (path is not null)
            {
                stream?.Dispose();
            }
        }
    }

    private static void WriteRow(Utf8JsonWriter json, Engine engine, int position, ReadOnlySpan<float> logits)
    {
        json.WriteStartArray();
        foreach (float value in logits)
        {
            if (!float.IsFinite(value))
            {
                throw new UserErrorException(
                    $"{engine.Name}: a logit at position {position} is not finite; check the model's weights, or try --precision exact");
            }

            json.WriteNumberValue(value);
        }

        json.WriteEndArray();
        json.Flush();
    }
}
