using HeteroQwen.Ir;
using HeteroQwen.Models;

namespace HeteroQwen.Cli;

/// <summary>What <c>-m MODEL</c> names: a bundled model or a Hugging Face folder, and the parts that commands take from it.</summary>
internal sealed class ModelFiles
{
    public const string Default = "tiny";

    private ModelFiles(string name, string folder) => (Name, Folder) = (name, folder);

    /// <summary>As the user named it.</summary>
    public string Name { get; }

    public string Folder { get; }

    /// <exception cref="UserErrorException">There is no such model.</exception>
    public static ModelFiles Find(string model)
    {
        string bundled = string.Join(" or ", BundledModels.Names);
        if (BundledModels.Names.Contains(model))
        {
            return new(model, BundledModels.PathOf(model));
        }

        if (Directory.Exists(model))
        {
            return new(model, model);
        }

        string guess = Suggestion.For(model, BundledModels.Names);
        throw new UserErrorException(File.Exists(model)
            ? $"{model}: this is a file, but a model is a Hugging Face folder (config.json, safetensors, tokenizer.json); give its folder, or {bundled} (-m)"
            : $"{model}: there is no such model folder; give the path of a Hugging Face folder, or {bundled}, which are bundled (-m)"
                + (guess.Length > 0 ? $"; {guess}" : ""));
    }

    /// <summary>Opens configuration and weights, and says on standard error what was ignored in them.</summary>
    /// <exception cref="UserErrorException">Something in the folder is missing or wrong.</exception>
    public HuggingFaceFolder OpenWeights()
    {
        HuggingFaceFolder model = HuggingFaceFolder.Open(Folder);
        foreach (string warning in model.Warnings)
        {
            Terminal.Note($"warning: {warning}");
        }

        return model;
    }

    /// <summary>The tokenizer, or null where the folder has none.</summary>
    /// <exception cref="UserErrorException">The file is damaged or describes another kind of tokenizer.</exception>
    public QwenTokenizer? TokenizerOrNull()
    {
        string path = Path.Combine(Folder, "tokenizer.json");
        return File.Exists(path) ? QwenTokenizer.Load(path) : null;
    }

    /// <exception cref="UserErrorException">There is none, or it is damaged.</exception>
    public QwenTokenizer Tokenizer() => TokenizerOrNull()
        ?? throw new UserErrorException($"{Folder}: holds no tokenizer.json; download it, or give the prompt as ids where the command has --tokens");

    public ChatTemplate Template() => ChatTemplate.Load(Folder);
}
