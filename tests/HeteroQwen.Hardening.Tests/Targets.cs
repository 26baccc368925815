using System.Text;
using System.Text.Json;
using HeteroQwen.Backends;
using HeteroQwen.Backends.Cpu;
using HeteroQwen.Generation;
using HeteroQwen.Ir;
using HeteroQwen.Models;
using HeteroQwen.Runtime;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Hardening.Tests;

/// <summary>A kind of file that somebody else wrote, and what is done with it.</summary>
/// <param name="Name">For messages.</param>
/// <param name="Original">A valid one.</param>
/// <param name="Shape">What it is made of.</param>
/// <param name="Interesting">Bytes before its data.</param>
/// <param name="Place">What every sentence names.</param>
/// <param name="Use">Opens it and uses it as a command would.</param>
internal sealed record Target(string Name, byte[] Original, FileShape Shape, int Interesting, string Place, Action<byte[]> Use)
    : IDisposable
{
    public TempFolder? Folder { get; init; }

    public void Dispose() => Folder?.Dispose();
}

/// <summary>All kinds of files that the product reads.</summary>
internal static class Targets
{
    /// <summary>All that a spoilt model may ask of the device, as far as the memory check knows: within what a file may cost.</summary>
    private const long DeviceBytes = 48 << 20;

    private static readonly Lazy<Device> s_device = new(() =>
        Device.Open(new TweakedBackend(new CpuBackend(), c => c with { MemoryBytes = DeviceBytes }, _ => false), 0, new(("threads", 1L))));

    public static string[] Names { get; } =
    [
        "safetensors", "safetensors of experts", "index", "config", "config of experts", "generation config", "tokenizer",
        "tokenizer config", "template", "gguf", "gguf with experts", "gguf quantised",
        "gguf experts quantised", "chat request", "ir text",
    ];

    public static Target Open(string name) => name switch
    {
        "safetensors" => InFolder(name, TestData.Path("hf/dense-tied-f32"), "model.safetensors", FileShape.Safetensors),
        "safetensors of experts" => InFolder(name, TestData.Path("hf/moe-f32"), "model.safetensors", FileShape.Safetensors),
        "index" => InFolder(name, TestData.Path("hf/moe-bf16"), "model.safetensors.index.json", FileShape.Json),
        "config" => InFolder(name, TestData.Path("hf/dense-yarn-f32"), "config.json", FileShape.Json),
        "config of experts" => InFolder(name, TestData.Path("hf/moe-mixed-f32"), "config.json", FileShape.Json),
        "generation config" => InFolder(name, BundledModels.PathOf("tiny"), "generation_config.json", FileShape.Json),
        "tokenizer" => InFolder(name, BundledModels.PathOf("tiny"), "tokenizer.json", FileShape.Json, textOnly: true),
        "tokenizer config" => InFolder(name, BundledModels.PathOf("tiny"), "tokenizer_config.json", FileShape.Json, textOnly: true),
        "template" => Template(name),
        "gguf" => Gguf(name, "tiny-dense-f32"),
        "gguf with experts" => Gguf(name, "tiny-moe-f32"),
        "gguf quantised" => Gguf(name, "tiny-dense256-q4_k_m"),
        "gguf experts quantised" => Gguf(name, "tiny-moe256-q4_k"),
        "chat request" => new(name, s_request, FileShape.Json, s_request.Length, "request.json", UseRequest),
        "ir text" => new(name, s_ir.Value, FileShape.Text, s_ir.Value.Length, "case.ir.txt", UseIr),
        _ => throw new ArgumentException($"no target {name}", nameof(name)),
    };

    private static readonly byte[] s_request = Encoding.UTF8.GetBytes(
        """
        {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is 50 times 89? 你好"},
        {"role": "assistant", "content": "<think>\nI multiply.\n</think>\n\n", "tool_calls": [{"type": "function", "function":
        {"name": "multiply", "arguments": {"a": 50, "b": 89.5e3, "c": [true, null, "x"]}}}]}, {"role": "tool", "content": "4450"},
        {"role": "user", "content": "Thanks <|im_end|>"}], "tools": [{"type": "function", "function": {"name": "multiply", "description":
        "Multiplies", "parameters": {"type": "object", "properties": {"a": {"type": "number"}}}}}], "enable_thinking": false,
        "add_generation_prompt": true}
        """);

    private static readonly Lazy<byte[]> s_ir = new(() =>
    {
        using IModelSource model = ModelSource.Open("tiny-moe");
        KvLayout kv = new(ElementType.F16, 256, 128, 1);
        Graph graph = Qwen3Graph.Build(model.Config with { Layers = 1 }, name => model.Get(name).Type, kv);
        return Encoding.UTF8.GetBytes(GraphPrinter.Print(graph));
    });

    /// <summary>The template in a file of its own, as newer models have it.</summary>
    private static Target Template(string name)
    {
        TempFolder folder = new();
        string tiny = Path.Combine(BundledModels.PathOf("tiny"), "tokenizer_config.json");
        using JsonDocument config = JsonDocument.Parse(File.ReadAllBytes(tiny));
        byte[] original = Encoding.UTF8.GetBytes(config.RootElement.GetProperty("chat_template").GetString()!);
        void Use(byte[] bytes)
        {
            folder.Write("chat_template.jinja", bytes);
            UseText(ModelSource.OpenText(folder.Path));
        }

        return new(name, original, FileShape.Text, original.Length, folder.Path, Use) { Folder = folder };
    }

    private static Target InFolder(string name, string source, string file, FileShape shape, bool textOnly = false)
    {
        TempFolder folder = new();
        foreach (string path in Directory.EnumerateFiles(source))
        {
            File.Copy(path, folder.File(Path.GetFileName(path)));
        }

        byte[] original = File.ReadAllBytes(folder.File(file));
        int interesting = shape == FileShape.Safetensors ? 8 + (int)BitConverter.ToInt64(original) : original.Length;
        void Use(byte[] bytes)
        {
            // A new file each time: a mapping of the old one may still be open.
            File.Delete(folder.File(file));
            File.WriteAllBytes(folder.File(file), bytes);
            if (textOnly)
            {
                UseText(ModelSource.OpenText(folder.Path));
            }
            else
            {
                Answer(folder.Path);
            }
        }

        return new(name, original, shape, interesting, Path.GetFileName(folder.Path), Use) { Folder = folder };
    }

    private static Target Gguf(string name, string model)
    {
        TempFolder folder = new();
        string path = folder.File("model.gguf");
        byte[] original = File.ReadAllBytes(TestData.Path($"llamacpp/{model}.gguf"));
        void Use(byte[] bytes)
        {
            File.Delete(path);
            File.WriteAllBytes(path, bytes);
            Answer(path);
        }

        return new(name, original, FileShape.Gguf, 24_000, Path.GetFileName(path), Use) { Folder = folder };
    }

    /// <summary>Opens a model that still opens on a device, and lets it answer two tokens as its own settings say.</summary>
    private static void Answer(string path)
    {
        using IModelSource model = ModelSource.Open(path);
        foreach (Precision precision in (Precision[])[Precision.Exact, Precision.Fast])
        {
            using Engine engine = Engine.Open(model, s_device.Value, null, new() { Precision = precision });
            Generator.Run(engine, new(new int[] { 0 }) { MaxTokens = 2, Sampling = SamplingOptions.Of(model.Generation) });
        }

        Encode(model.Text);
        _ = model.Text.Template.Warning;
    }

    private static void UseText(ModelText text)
    {
        Encode(text);
        text.Template.Render(ChatRequest.Parse(s_request, "request.json"));
    }

    private static void Encode(ModelText text)
    {
        if (text.Tokenizer is { } tokenizer)
        {
            int[] ids = tokenizer.Encode("Hello the world, <|im_end|> 你好 \ud800", allowSpecial: true);
            StreamingDecoder decoder = tokenizer.CreateDecoder(skipSpecial: true);
            Array.ForEach(ids, id => decoder.Append(id));
            decoder.Flush();
        }
    }

    private static void UseRequest(byte[] bytes) => ChatTemplate.Qwen3.Render(ChatRequest.Parse(bytes, "request.json"));

    private static void UseIr(byte[] bytes)
    {
        Graph graph = GraphParser.Parse(Encoding.UTF8.GetString(bytes), "case.ir.txt");
        Verifier.Verify(graph);
        string text = GraphPrinter.Print(graph);
        Assert.Equal(text, GraphPrinter.Print(GraphParser.Parse(text, "printed")));
    }
}
