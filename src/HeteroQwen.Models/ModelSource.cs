using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>
/// Opens what the user names as a model: a bundled one by its name, a <see cref="RandomModel"/>, a Hugging Face folder, or a GGUF
/// file. A bundled model's name means that model; a folder of the same name is written with its path, as <c>./tiny</c>.
/// </summary>
public static class ModelSource
{
    /// <exception cref="UserErrorException">There is no such model, or it is damaged or not supported.</exception>
    public static IModelSource Open(string model) =>
        RandomModel.IsNamed(model) ? RandomModel.Open(model)
        : Locate(model) is var (path, isFile) && isFile ? GgufModel.Open(path) : HuggingFaceFolder.Open(path);

    /// <summary>A model's tokenizer and template without its weights; a folder may hold nothing else.</summary>
    /// <exception cref="UserErrorException">There is no such model, or it is damaged or not supported.</exception>
    public static ModelText OpenText(string model)
    {
        if (RandomModel.IsNamed(model))
        {
            return RandomModel.Open(model).Text;
        }

        (string path, bool isFile) = Locate(model);
        if (!isFile)
        {
            return ModelText.OfFolder(path);
        }

        using GgufFile file = GgufFile.Open(path);
        return GgufModel.TextOf(file).ReadNow();
    }

    private static (string Path, bool IsFile) Locate(string model)
    {
        if (BundledModels.Names.Contains(model))
        {
            return (BundledModels.PathOf(model), false);
        }

        if (Directory.Exists(model))
        {
            return (model, false);
        }

        bool gguf = model.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase);
        if (File.Exists(model))
        {
            return gguf ? (model, true) : throw new UserErrorException(
                $"{model}: is neither a folder nor a .gguf file; name the folder that holds the model's config.json, or a GGUF file");
        }

        string bundled = string.Join(", ", BundledModels.Names);
        throw new UserErrorException(
            $"{Shown.Text(model)}: no such {(gguf ? "file" : "model")}; name a Hugging Face folder, a .gguf file, one of {bundled}, or "
            + "random:qwen3-0.6b[:TYPE]");
    }
}
