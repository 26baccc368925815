using System.CommandLine;
using HeteroQwen.Generation;
using HeteroQwen.Ir;
using HeteroQwen.Models;
using HeteroQwen.Runtime;

namespace HeteroQwen.Cli;

/// <summary><c>chat</c>: answers turn by turn.</summary>
internal sealed class ChatCommand
{
    private readonly Tool _tool;
    private readonly GenerationArguments _generation = new("The most tokens of each answer; the rest of the context unless given");
    private readonly ConversationArguments _conversation = new();

    private ChatCommand(Tool tool) => _tool = tool;

    public static (Command Command, string[] Examples) Create(Tool tool)
    {
        ChatCommand self = new(tool);
        Command command = new("chat", "Talk with a model, turn by turn; /help there lists what it can do.");
        self._generation.AddTo(command);
        self._conversation.AddTo(command);
        command.SetAction(self.Run);
        return (command,
        [
            "echo \"What is 47 + 85?\" | heteroqwen chat",
            "printf '日本的首都是哪里？\\nWhat is 47 + 85?\\n' | heteroqwen chat -m tiny-moe --no-think --temp 0.7 --seed 1",
        ]);
    }

    private int Run(ParseResult parsed)
    {
        GenerationSettings settings = _generation.Read(parsed);
        Conversation conversation = _conversation.Read(parsed);
        Device device = settings.Engine.OpenDevice(_tool);
        using IModelSource model = ModelFiles.Open(settings.Model);
        model.Text.BeginTokenizer();
        if (model.Text.Template.Warning is { } warning)
        {
            throw new UserErrorException($"chat: {warning}");
        }

        SamplingOptions sampling = settings.Sampling.Over(model.Generation);
        using Engine engine = settings.Engine.Open(_tool, model, device);
        settings.Sampling.CheckStops(model.Text.RequireTokenizer());
        using ChatAnswerer answerer = new(_tool, engine, model.Text, sampling, settings);
        using LineInput input = new(_tool.Interruption);
        if (input.IsTerminal)
        {
            _tool.Terminal.Aside(
                $"{model.Name} on {device.Id}, {SamplingSettings.Describe(sampling)}{EngineArguments.Name(settings.Engine.Options.Precision)}, "
                + $"kv {engine.KvType.Name()}, context {engine.SequenceLimit}. /help lists the commands, Ctrl-D leaves.");
        }

        return new ChatLoop(_tool, input, conversation, answerer.Answer).Run();
    }
}
